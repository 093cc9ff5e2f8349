"""Parts of several plans: the runbook's groups with their VMs, their start, and calls as they are planned.

They know no phase of one plan alone; whose plan it is gives them its own words and calls.
Begin with `runbook_groups`.
"""
