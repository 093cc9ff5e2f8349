"""Runs of failover plans in custom attributes; begin with `run_slots`."""
