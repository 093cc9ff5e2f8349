"""The training site: a recovery site that is computed, not connected to."""
