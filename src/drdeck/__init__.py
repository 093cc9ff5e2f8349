"""drdeck: a terminal console for VMware continuous failover and point-in-time recovery."""

__version__ = "0.1.0"
