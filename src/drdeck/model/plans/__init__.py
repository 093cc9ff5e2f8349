"""Failover plans: many domains as one run. `failover_plan` is the plan, `frozen_plan` what a run keeps of it.

`plan_check` is the look before, `run_views` what consoles and commands are shown of a run, `run_requests`
what people may ask of one, `common_instant` one instant for many sessions.

Open `failover_plan.py` first.
"""
