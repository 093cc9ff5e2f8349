"""Facts of a lesson's scenario that nobody can change: since when which VM's data is bad."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drdeck.model.frozen import Frozen
from drdeck.model.times import parse_duration

if TYPE_CHECKING:
    from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioDomain


class DomainGround(Frozen, frozen=True, kw_only=True):
    """The truth of a scenario about one domain's data.

    `bad_after`: VM -> the last instant of its data that is good; VMs that stay good are not in it.

    `incident`: when the harm began, if any did.
    """

    start: datetime
    interval: timedelta
    vms: tuple[str, ...] = ()
    bad_after: dict[str, datetime] = {}
    incident: datetime | None = None

    def point(self, to: datetime) -> datetime:
        """The newest restore point that there can be at or before an instant."""
        return self.start + (to - self.start) // self.interval * self.interval

    def fails(self, to: datetime, vms: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the VMs (empty: all) whose data is bad when rolled back to an instant."""
        point = self.point(to)
        return tuple(vm for vm in vms or self.vms if vm in self.bad_after and point > self.bad_after[vm])

    def last_good(self, vms: tuple[str, ...]) -> datetime | None:
        """The newest point that is good for all the VMs (empty: all); None where none ever is bad."""
        ends = [self.bad_after[vm] for vm in (vms or self.vms) if vm in self.bad_after]
        return self.point(min(ends)) if ends else None


Ground = dict[str, DomainGround]
"""by domain"""


def ground_of(scenario: Scenario) -> Ground:
    """The ground of each domain of a scenario."""
    return {domain.name: _domain(domain, scenario) for domain in scenario.domains}


def _domain(domain: ScenarioDomain, scenario: Scenario) -> DomainGround:
    bad: dict[str, datetime] = {}
    names = tuple(vm.name for vm in domain.vms)
    for incident in sorted(domain.incidents, key=lambda incident: incident.at):
        if incident.breaks_health:
            for vm in incident.vms or names:
                bad.setdefault(vm, incident.at)
    lost = None
    if domain.protected_site == "lost":
        lost = domain.lost_at or scenario.start
    began = [at for at in (*bad.values(), lost) if at is not None]
    return DomainGround(
        start=scenario.start,
        interval=timedelta(seconds=parse_duration(domain.pitr.interval)),
        vms=names,
        bad_after=bad,
        incident=min(began, default=None),
    )
