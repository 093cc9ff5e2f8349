"""Runs of failover plans: a scheduler over the operations that exist, which adds no act of its own.

`decide` says purely what begins next, `run_keeper` begins it, `plan_desk` answers people; `plan_look` is the
look before, `common_rollback` one instant for many sessions, `run_display` what is shown.
"""
