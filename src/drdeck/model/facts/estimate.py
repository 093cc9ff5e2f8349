"""Estimate of when something that goes on will be over."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.frozen import Frozen
from drdeck.model.times import show_seconds


class Estimate(Frozen, frozen=True, kw_only=True):
    """The site's time of the end, and `source`: what it was reckoned from, in a few words."""

    ends_at: datetime
    source: str

    def says(self, now: datetime) -> str:
        """The estimate in a phrase; once its time is past, that it takes longer."""
        if self.ends_at <= now:
            return f"longer than est., from {self.source}"
        same_day = self.ends_at.date() == now.date()
        at = f"{self.ends_at:%H:%M:%SZ}" if same_day else show_seconds(self.ends_at)
        return f"est. end {at}, from {self.source}"
