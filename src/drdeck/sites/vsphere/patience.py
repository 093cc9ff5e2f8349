"""Patience with calls that vCenter refuses for a moment, or whose answers are lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from drdeck.sites.contract import Busy, Refused, ResultUnknown, SiteError

LIMIT = timedelta(minutes=5)
"""So long a call is given again before a person is asked."""
_LOST_TIMES = 5
"""So many answers of one call are lost before a person is asked, if that takes longer than LIMIT."""
_KEPT = timedelta(days=1)


class Patience:
    """Counts the tries of each call, by operation's key, since the first that found vCenter busy."""

    def __init__(self) -> None:
        self._tries: dict[str, tuple[datetime, int]] = {}

    def tried(self, key: str) -> bool:
        """Tell whether a call was given before, and may have been half done."""
        return key in self._tries

    def weigh(self, key: str, error: Busy | ResultUnknown, now: datetime, limit_s: float = 0.0) -> SiteError:
        """The error as it is to be taken: with its tries counted, or, when it is enough, a refusal;
        `limit_s`: so long the call itself may take, where that is limited."""
        limit = min(LIMIT, timedelta(seconds=limit_s)) if limit_s else LIMIT
        # of a point whose hour is over nobody asks again
        self._tries = {k: tries for k, tries in self._tries.items() if now - tries[0] < _KEPT}
        since, times = self._tries.get(key, (now, 0))
        self._tries[key] = since, times + 1
        text = f"{error} -- tried {times + 1} times since {since:%H:%M:%S}Z"
        if now - since > limit and (isinstance(error, Busy) or times >= _LOST_TIMES):
            self.over(key)
            return Refused(text)
        return type(error)(text) if times else error

    def over(self, key: str) -> None:
        self._tries.pop(key, None)
