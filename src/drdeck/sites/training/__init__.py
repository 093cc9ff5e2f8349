"""The training site: a recovery site that is computed, not connected to.

A scenario (`scenario`) and the accepted commands (`state_store.py`) determine everything else: `simulation`
computes it from event to event, `view` shows it and says what may be asked of it. Open `site_simulation.py`
first, then `site.py`, which gives it the real clock and the disk.
"""
