"""Rules and words of a domain's whole life beside the failover itself: the way back, and rehearsals.

Begin with life_rules.py.
"""
