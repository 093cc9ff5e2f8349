"""Rounds of restore points of many domains: each has its turn, and one that has none is an alarm."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.model.commands import MakePlannedCall
from drdeck.model.planned import PlannedCall
from drdeck.model.points_budget import AT_ONCE, SNAPSHOT_S
from drdeck.sites.contract import SiteUnreachable
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, SnapshotFact, VmFacts
from drdeck.sites.vsphere.maintenance_round import MaintenanceRound
from drdeck.sites.vsphere.plan.restore_points import point_name
from drdeck.sites.vsphere.record.attribute_names import FAILOVER
from drdeck.sites.vsphere.record.attributes import write
from drdeck.sites.vsphere.view.site_state import SiteState
from drdeck.sites.vsphere.view.site_views import SiteViews
from tests.support.passwords import OnePassword
from tests.support.vcenter.domain_states import at, chain, failover, settings, vm

DOMAINS, VMS = 8, 20
QUIET_S = 60.0
"""Between two looks while nothing is due."""


class ManyDomains:
    """Domains that all run here since one instant; each step takes as long as a snapshot."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        interval_s: float,
        keep: int = 31,
        domains: int = DOMAINS,
        vms: int = VMS,
    ) -> None:
        names = [f"d{number:02}" for number in range(domains)]
        rules = {name: settings(interval_s=interval_s, keep=keep) for name in names}
        record = {FAILOVER: write(failover("finished"))}
        self._root = FolderFacts("root", "drdeck", "vm")
        self._folders = {n: FolderFacts(id=n, name=n, parent="root", attributes=record) for n in names}
        self.vms: dict[str, VmFacts] = {}
        for name in names:
            for number in range(vms):
                machine = vm(f"{name}-{number:02}", parent=name, **chain())
                self.vms[machine.id] = machine
        state = SiteState(
            "dr",
            VSphereSettings(url="https://vcsa/sdk", username="u", root="/DC0/vm/drdeck", domains=rules),
            None,
        )
        self.now_s = 0.0
        self._unseen: dict[str, VmFacts] = {}
        monkeypatch.setattr(state, "now", lambda: at(self.now_s / 60))
        self._serial, self._state = 0, state
        self._show()
        self.rounds = MaintenanceRound(state, SiteViews(state))

    def _show(self) -> None:
        self._serial += 1
        inventory = Inventory(
            serial=self._serial, root=self._root, folders=self._folders, vms=dict(self.vms), networks={}
        )
        watch: Any = SimpleNamespace(inventory=inventory)
        self._state.watch = watch

    def step(self, places: int = AT_ONCE) -> list[tuple[str, PlannedCall]]:
        """What is begun of what is due; it is seen a step later."""
        due = self.rounds.due(at(self.now_s / 60))
        begun = [(domain, call) for domain, call in due if call.vm not in self._unseen][:places]
        self.vms |= self._unseen
        self._unseen = {}
        for domain, call in begun:
            self.rounds.begins(domain, call)
            self._unseen[call.vm or ""] = self._after(self.vms[call.vm or ""], call)
        self.now_s += SNAPSHOT_S if due else QUIET_S
        self._show()
        return begun

    def _after(self, machine: VmFacts, call: PlannedCall) -> VmFacts:
        if call.kind == "snapshot":
            name, about = call.args["name"], call.args["description"]
            new = SnapshotFact(f"s{self.now_s}", name, about, at(self.now_s / 60), None)
            return msgspec.structs.replace(machine, **chain(*machine.snapshots, new))
        left = [s for s in machine.snapshots if s.id != call.args["snapshot"]]
        return msgspec.structs.replace(machine, **chain(*left))

    def points(self) -> dict[str, list[set[str]]]:
        """Domain -> the names of the points of each of its VMs."""
        names: dict[str, list[set[str]]] = {}
        for machine in self.vms.values():
            names.setdefault(machine.parent or "", []).append({s.name for s in machine.snapshots})
        return names

    def alarms(self) -> Iterator[str]:
        views = SiteViews(self._state)
        watch: Any = self._state.watch
        for domain in views.view(watch.inventory, 1).domains:
            yield from (domain.name for alarm in domain.alarms if alarm.kind == "points_late")


def test_after_a_failover_of_a_whole_site_every_domain_gets_its_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = ManyDomains(monkeypatch, interval_s=14_400)
    while site.now_s <= 1.2 * DOMAINS * VMS * SNAPSHOT_S / AT_ONCE:
        site.step()
    for domain, names in site.points().items():
        assert all(len(own) == 1 for own in names), domain
        assert len(set.union(*names)) == 1, f"all VMs of {domain} have the same one"


def test_those_whose_last_point_is_oldest_go_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than an interval has room for: nobody starves."""
    site = ManyDomains(monkeypatch, interval_s=40)
    while site.now_s <= 3 * DOMAINS * VMS * SNAPSHOT_S / AT_ONCE:
        site.step()
    counts = {domain: min(len(own) for own in names) for domain, names in site.points().items()}
    assert min(counts.values()) >= 2 and max(counts.values()) <= min(counts.values()) + 2, counts


def test_a_round_that_has_begun_goes_before_the_removals_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    site, interval_s = ManyDomains(monkeypatch, 240, keep=1, domains=3, vms=60), 240
    joined: dict[tuple[str, str], int] = {}
    while site.now_s <= 5 * interval_s:
        for domain, call in site.step():
            if call.kind == "snapshot":
                which = domain, call.args["name"]
                joined[which] = joined.get(which, 0) + 1
    over = [count for (_, name), count in joined.items() if name < point_name(at(site.now_s / 60 - 1))]
    assert len(over) >= 4 * 3 and set(over) == {60}, joined
    assert max(len(machine.snapshots) for machine in site.vms.values()) <= 2


def test_a_round_that_is_due_and_has_not_begun_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there was none before: nobody else tells that there is nothing to go back to."""
    site = ManyDomains(monkeypatch, interval_s=900)
    assert list(site.alarms()) == [], "it has just become due"
    for _ in range(40):  # operations need all places
        site.step(places=0)
    assert len(list(site.alarms())) == DOMAINS
    while site.now_s <= 200 + 1.2 * DOMAINS * VMS * SNAPSHOT_S / AT_ONCE:
        site.step()
    assert list(site.alarms()) == []


async def test_a_point_has_begun_when_it_is_given_to_the_site() -> None:
    """Before vCenter shows it: its other VMs join that one, and begin none of their own."""
    settings = VSphereSettings(url="https://vcsa.example/sdk", username="u", root="/DC0/vm/drdeck")
    site = make_vsphere_site("dr", settings, OnePassword("p"))
    args = {"name": point_name(at(0)), "description": "drdeck: group point"}
    call = PlannedCall(key="point:x", kind="snapshot", vm="vm-1", says="make it", args=args)
    with pytest.raises(SiteUnreachable):
        await site.execute(MakePlannedCall(operation="", domain="erp", call=call))
    assert site._rounds._begun == {"erp": at(0)}
    await site.close()
