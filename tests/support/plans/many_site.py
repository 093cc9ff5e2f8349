"""A site in memory of several domains that drives itself: what a run begins is recovered at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from drdeck.model import commands as c
from drdeck.model.domains import Domain, Failover, Mode, Networks, Owner, Period, ProtectedSite
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.views import SiteView
from tests.support.fakesite import START, FakeSite

OFFERED = ("DR-1", "DR-2")


class ManySite(FakeSite):
    """`domains` by name; `sites`: what their protected sites tell, lost where nothing stands there."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        bare = self.domain
        self.domains = {name: msgspec.structs.replace(bare, id=name, name=name) for name in names}
        self.sites: dict[str, ProtectedSite] = {}

    def change(self, name: str, **changes: Any) -> None:
        self.domains[name] = msgspec.structs.replace(self.domains[name], **changes)

    def on_network(self, name: str, network: str) -> None:
        """The VMs of a domain are on one network, which has no target yet."""
        self.change(name, networks=Networks(protected=(network,), recovery=OFFERED))

    def excluded(self, name: str, since: timedelta, until: timedelta) -> None:
        """An earlier session, from and until so long before the site's first instant."""
        self.change(name, excluded=(Period(start=START - since, end=START - until),))

    def _view(self) -> SiteView:
        view = super()._view()
        return msgspec.structs.replace(view, domains=tuple(self.domains.values()))

    def _do(self, command: c.AnyCommand) -> None:
        self.domain = self.domains[command.domain]
        super()._do(command)
        if isinstance(command, c.BeginCompletion):
            begun = Failover(
                id=command.operation,
                type=command.type,
                run_pitr=command.run_pitr,
                began_at=START,
                recovered_at=START,
            )
            self.set(failover=begun, vms_recovered=2)
        self.domains[command.domain] = self.domain

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        return self.sites.get(domain, self.protected)

    async def points(self, domain: str) -> Points:
        times = [START - timedelta(minutes=minutes) for minutes in (10, 20, 30)]
        return Points(points=tuple(RestorePoint(time=time, kind="group", vms=2) for time in times))

    @property
    def here(self) -> list[str]:
        """Domains that this site took over, in order."""
        return [d.name for d in self.domains.values() if d.owner is Owner.LOCAL]

    def of(self, name: str) -> Domain:
        return self.domains[name]

    @property
    def modes(self) -> dict[str, Mode]:
        return {name: domain.mode for name, domain in self.domains.items()}
