"""The line in which a controller that starts tells its starter how it went."""

from __future__ import annotations

WRONG_INPUT = "wrong input: "
"""Begins the line when what the operator gave is at fault, such as a scenario."""
RUNNING = " is running already"
"""Ends the line when another process holds this site's lock."""
ON_OTHER_HOST = " that this host shares: "
"""Stands in the line when a process on another host holds the lock."""
READY = "ready"
"""The line that tells the starter that the socket is there; anything else is an error sentence."""
