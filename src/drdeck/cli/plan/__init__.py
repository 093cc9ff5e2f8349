"""`drdeck plan`: domains as one run. `plan_commands` begins and steers; `run_pitr_commands` rolls back.

`run_report_command` tells afterwards what became of it, from the journal.
"""
