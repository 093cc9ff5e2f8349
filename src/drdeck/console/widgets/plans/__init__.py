"""Lines of Failover Plans: the look before, a run and its domains, one instant for many sessions.

Pure functions from the controller's answers to styled lines of a width; screens put them in place.
Begin with `run_lines`.
"""
