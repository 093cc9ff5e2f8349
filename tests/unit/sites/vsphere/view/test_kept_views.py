"""A domain's view is made anew when something of it has changed, whatever goes on at others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.controller.plans.run_notes import kept
from drdeck.model.domains import FailoverType
from drdeck.model.plans.run_note import RunMark
from drdeck.model.views import SiteView
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory
from drdeck.sites.vsphere.record.attribute_names import FAILOVER
from drdeck.sites.vsphere.record.attributes import read, write
from drdeck.sites.vsphere.record.kept.run_slots import read_marks, with_notes
from drdeck.sites.vsphere.record.record_values import FailoverRecord
from drdeck.sites.vsphere.view.site_state import SiteState
from drdeck.sites.vsphere.view.site_views import SiteViews
from tests.support.plans.plan_build import frozen, run
from tests.support.vcenter.domain_states import T0, vm

DOMAINS = ("erp", "mail", "web")


class Site:
    """Three domains whose VMs are being powered on, the clock moved by the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        record = FailoverRecord(id="op-1", type=FailoverType.FORCE, began=T0, phase="power", since=T0)
        folders = {
            name: FolderFacts(id=name, name=name, parent="root", attributes={FAILOVER: write(record)})
            for name in DOMAINS
        }
        vms = {f"vm-{name}": vm(name, "off", parent=name) for name in DOMAINS}
        root = FolderFacts("root", "drdeck", "vm")
        self.there = Inventory(serial=1, root=root, folders=folders, vms=vms, networks={})
        settings = VSphereSettings(url="https://vcsa/sdk", username="u", root="/DC0/vm/drdeck")
        self.state, self.clock_s = SiteState("dr", settings, None), 0.0
        self.views = SiteViews(self.state)
        patch.setattr(self.state, "now", lambda: T0 + timedelta(seconds=self.clock_s))

    def starts(self, name: str) -> None:
        """The VM of a domain is on now."""
        vms = {**self.there.vms, f"vm-{name}": vm(name, "on", parent=name)}
        self.there = msgspec.structs.replace(self.there, serial=self.there.serial + 1, vms=vms)

    def view(self) -> SiteView:
        return self.views.view(self.there, 1)


def anew(before: SiteView, after: SiteView) -> list[str]:
    """Names of the domains that are other objects than before."""
    return [b.name for a, b in zip(before.domains, after.domains, strict=True) if a is not b]


def test_one_domain_under_way_costs_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch)
    before = site.view()
    assert all(domain.phase is not None for domain in before.domains)
    site.starts("mail")
    assert anew(before, site.view()) == ["mail"]
    assert all(site.there.vms_of(name) is site.there.vms_of(name) for name in DOMAINS), "put together once"


def test_what_time_alone_brings_is_seen_within_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch)
    before = site.view()
    site.clock_s += 0.5
    assert anew(before, site.view()) == [*DOMAINS]


def test_marks_of_runs_are_read_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = list[Mapping[str, str]]()

    def counted(attributes: Mapping[str, str]) -> tuple[RunMark, ...]:
        reads.append(attributes)
        return read_marks(attributes)

    monkeypatch.setattr("drdeck.sites.vsphere.view.site_views.read_marks", counted)
    site = Site(monkeypatch)
    note = kept(run(frozen({"all": [*DOMAINS]}))).note
    site.there = msgspec.structs.replace(
        site.there,
        root=msgspec.structs.replace(site.there.root, attributes=with_notes({}, (note,), {"run-1": "me"})),
    )
    for name in DOMAINS:
        site.starts(name)
        assert [run.note.id for run in site.view().runs] == ["run-1"]
    assert len(reads) == len(DOMAINS)


def test_a_record_is_read_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = list[str]()

    def counted(attributes: dict[str, str]) -> object:
        reads.append(attributes[FAILOVER])
        return read(attributes)

    monkeypatch.setattr("drdeck.sites.vsphere.record.attributes.read", counted)
    site = Site(monkeypatch)
    for name in DOMAINS:
        site.clock_s += 0.5
        site.starts(name)
        site.view()
    assert len(reads) == len(DOMAINS)
