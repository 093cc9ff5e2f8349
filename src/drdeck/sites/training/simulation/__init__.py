"""One domain computed from event to event: bytes, boots, points, sessions. No I/O.

Begin with `domain_machine`; completion is in `failover`, sessions in `pitr_session`, data in
`data_flow` and `write_rates`.
"""
