"""`drdeck plan`: domains as one run. `plan_commands` begins and steers; `run_pitr_commands` rolls back."""
