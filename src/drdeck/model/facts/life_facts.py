"""Facts of a domain's whole life beside the failover itself, as a site shows them."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.frozen import Frozen


class Undo(Frozen, frozen=True, kw_only=True):
    """The way back from a failover that was not committed: to the state at `since`, just before the first
    power on here. `reason`: why there is none; empty: it is possible."""

    since: datetime | None = None
    reason: str = ""

    @property
    def possible(self) -> bool:
        return not self.reason

    def loses_s(self, now: datetime) -> float | None:
        """Seconds of what was written here that are given up by it."""
        return None if self.since is None else max(0.0, (now - self.since).total_seconds())
