"""Calls of a Test Failover: clones made, put on isolated networks, and removed.

A test VM is destroyed only while every condition of `trial_conditions` holds: begin there. What
`trial_adoption` proves to be one may be in no list.
"""
