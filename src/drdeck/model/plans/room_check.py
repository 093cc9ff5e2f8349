"""Memory and datastore room for the VMs of many domains, looked at together: alone each might fit."""

from __future__ import annotations

from drdeck.model.frozen import Frozen
from drdeck.model.guard import Hazards


class RoomForAll(Frozen, frozen=True, kw_only=True):
    """Memory and room that domains need when all of them start.

    `sums`: sentences on what is needed and what is free. `hazards`: what may stop the start.
    """

    sums: tuple[str, ...] = ()
    hazards: Hazards = Hazards()
