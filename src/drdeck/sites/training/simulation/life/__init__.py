"""A domain's return to its protected site, where this site moves the data. Begin with failback.py."""
