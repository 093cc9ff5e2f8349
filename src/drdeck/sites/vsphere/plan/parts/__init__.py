"""Parts of several plans: the runbook's groups with their VMs, and calls as they are planned.

They decide nothing, and know no record and no state of a domain.
Begin with `runbook_groups`.
"""
