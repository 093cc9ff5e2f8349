"""Dialogs of a domain's whole life beside the failover: its test, and its way back.

Each asks and answers, and submits nothing: the flows of `console/actions/life_flows.py` do.
Begin with begin_trial.py.
"""
