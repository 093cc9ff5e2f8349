"""Test Failover of a vSphere domain: plan, names, and what is shown of it.

Only these plans make VMs and take VMs away, all of them in the test folder; what must be true before
is looked at once more by the call itself. Begin with `trial_plan`.
"""
