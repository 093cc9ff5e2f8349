"""Scenarios: what a training site consists of, and what befalls it.

`scenario_tables` are the tables of a file; `scenario_file` reads it, `scenario_checks` and
`scenario_limits` refuse what cannot be played.

Open `scenario_tables.py` first.
"""
