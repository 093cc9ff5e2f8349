"""Lease of a domain: which controller drives it, decided by names that vCenter defines only once.

Only here are claims defined, renewed and taken away. Begin with `lease`, and with docs/architecture.md,
which has the protocol and its argument.
"""
