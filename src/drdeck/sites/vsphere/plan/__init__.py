"""Plans: what is due at a domain, purely out of its record, VMs, settings and time.

Nothing here calls vCenter. Begin with `planner`: it leads to `failover` and `pitr_session` (where
a rollback is planned); `maintenance` has points and pruning, `domain_view` what consoles show.
"""
