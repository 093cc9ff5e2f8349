"""Parts of several plans: the runbook's groups with their VMs, and calls as they are planned."""
