"""The guard of PITR sessions: which changes of a VM were not drdeck's, and whose they were.

It never changes anything. Begin with `guard_service`; `session_guard` judges observations, `session_memory`
keeps what came of it, `own_calls` and `attribution_windows` know drdeck's own, `lookups` asks who did it and
from where.
"""
