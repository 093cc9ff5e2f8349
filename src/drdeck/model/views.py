"""All that a site shows at one instant, and the clock by which it does."""

from datetime import datetime, timedelta

from .domains import Domain
from .frozen import Frozen
from .plans.run_note import KeptRun
from .text import spelled_as

NOT_SEEN, LOGGED_IN = "the site was not seen yet", "logged in; the site is being read"
RECORDS_SEEN = "its folders and records were read; the VMs are being read"
SOON_SEEN = (NOT_SEEN, LOGGED_IN, RECORDS_SEEN)
"""Why a site is not seen that soon will be."""


class SiteClock(Frozen, frozen=True, kw_only=True):
    """The site's own clock: it read `site` when ours read `real`, and runs `speed` times as fast."""

    site: datetime
    real: datetime
    speed: float = 1.0

    def at(self, real: datetime) -> datetime:
        """The site's time at our time `real` (not before the reading itself)."""
        passed = max(0.0, (real - self.real).total_seconds())
        return self.site + timedelta(seconds=passed * self.speed)


class SiteView(Frozen, frozen=True, kw_only=True):
    """Everything that a site shows at one instant. `serial` grows with every observation."""

    site: str
    kind: str
    serial: int
    clock: SiteClock
    domains: tuple[Domain, ...] = ()
    warnings: tuple[str, ...] = ()
    """lasting ones: certificate unchecked, clock off"""
    address: str = ""
    user: str = ""
    runs: tuple[KeptRun, ...] = ()
    """runs of failover plans that the site keeps, those of other jump hosts too"""

    def domain(self, name: str) -> Domain | None:
        """The domain of a name, which may be typed in another form of the same letters."""
        there = spelled_as(name, [d.name for d in self.domains])
        return next((d for d in self.domains if d.name == there), None)
