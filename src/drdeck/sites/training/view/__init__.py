"""A simulated domain as the model shows it, and what may be asked of it. Pure.

Begin with `domain_view`; `vm_view` has its VMs, `command_rules` the refusals.
"""
