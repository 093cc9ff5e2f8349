"""A domain's return to its protected site, where this site moves the data; and its tests.

Rules of simulated time only: they are called by the domain's machine and keep nothing themselves.
Begin with `failback`.
"""
