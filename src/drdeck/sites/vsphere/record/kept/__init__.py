"""Runs of failover plans in custom attributes of folders, for other jump hosts to see and to take over.

Texts that anybody may have edited are read with suspicion: what makes no sense is no run. Pure.
Begin with `run_slots`; `run_view` is what one controller sees.
"""
