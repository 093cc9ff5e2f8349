"""The orders of the list of domains."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from drdeck.model.domains import Domain, Mode

ORDERS = ("", "name", "mode", "RPO")
"""The first one is the site's own order."""
_FLOW = (
    Mode.PITR_SESSION, Mode.COMPLETING, Mode.SYNCHRONISED, Mode.REHYDRATING, Mode.IMPORTED,
    Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED,
)  # fmt: skip
"""What wants an operator first: unprotected, then under way, then at rest."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def ordered(domains: Iterable[Domain], order: str) -> list[Domain]:
    """Sorted; by RPO the worst comes first, and what is unknown last."""
    found = list(domains)
    if order:
        found.sort(key=lambda d: (d.name.casefold(), d.name))
    if order == "mode":
        found.sort(key=lambda d: _FLOW.index(d.mode) if d.mode in _FLOW else len(_FLOW))
    elif order == "RPO":
        found.sort(key=lambda d: d.consistent_at or _NEVER)
    return found
