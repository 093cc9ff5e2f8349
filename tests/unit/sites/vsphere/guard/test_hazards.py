"""DRS and scheduled tasks, as far as a vCenter tells of them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.model.times import show
from drdeck.sites.vsphere import make_vsphere_site
from drdeck.sites.vsphere.guard import hazards
from drdeck.sites.vsphere.guard.hazards import Cluster, HazardFacts, ScheduledTask
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from tests.support.passwords import OnePassword
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

ROOT = FolderFacts(id="root", name="drdeck", parent="vm")
ERP, INNER = FolderFacts(id="erp", name="erp", parent="root"), FolderFacts(id="in", name="db", parent="erp")
VMS = tuple(
    VmFacts(id=f"vm-{n}", name=n, parent=parent, host=host)
    for n, parent, host in (("a", "erp", "h1"), ("b", "in", "h1"), ("c", "erp", "h9"))
)
INVENTORY = Inventory(
    serial=1, root=ROOT, folders={"erp": ERP, "in": INNER}, vms={vm.id: vm for vm in VMS}, networks={}
)
AUTO, MANUAL = "fullyAutomated", "manual"


def cluster(behavior: str, **overrides: str) -> Cluster:
    return Cluster("C0", frozenset({"h1", "h2"}), behavior, {f"vm-{k}": v for k, v in overrides.items()})


@pytest.mark.parametrize(
    ("drs_cluster", "moved"),
    [
        (cluster(AUTO), "a, b"),
        (cluster(AUTO, a=MANUAL), "b"),
        (cluster(AUTO, a=MANUAL, b=""), ""),
        (cluster(MANUAL), ""),
        (cluster(MANUAL, b=AUTO), "b"),
        (cluster("partiallyAutomated"), ""),
        (cluster(""), ""),
    ],
)
def test_whom_drs_may_move(drs_cluster: Cluster, moved: str) -> None:
    report = hazards.hazards(HazardFacts((drs_cluster,), (), {}), INVENTORY, ERP, VMS)
    assert [h.kind for h in report.warns] == (["drs"] if moved else [])
    assert all(f"may move {moved} to other hosts" in h.text for h in report.warns)


@pytest.mark.parametrize(
    ("entity", "where"),
    [
        ("vm-a", "is for a, next at NOW."),
        ("erp", 'the folder "erp"'),
        ("in", 'the folder "db"'),
        ("root", 'the folder "drdeck", which the domain is in'),
        ("vm", '"vm", which the domain is in'),
        ("dc", '"DC0", which the domain is in'),
        ("h2", 'a host of cluster "C0"'),
        ("vm-z", ""),
        ("other", ""),
    ],
)
def test_which_scheduled_tasks_touch_the_vms(entity: str, where: str) -> None:
    above = {"vm": "vm", "dc": "DC0"}
    facts = HazardFacts(
        (cluster(MANUAL),), (ScheduledTask("nightly", "CreateSnapshot", entity, "NOW"),), above
    )
    report = hazards.hazards(facts, INVENTORY, ERP, VMS)
    assert [where in h.text for h in report.warns] == ([True] if where else [])


def test_what_is_not_told_is_said() -> None:
    facts = HazardFacts((), (), {}, "no permission", "not supported")
    report = hazards.hazards(facts, INVENTORY, ERP, VMS)
    assert report.warns == () and len(report.not_checked) == 3
    assert "DRS" in report.not_checked[0] and "no permission" in report.not_checked[0]
    assert "scheduled tasks" in report.not_checked[1] and "not supported" in report.not_checked[1]
    assert "backup tool" in report.not_checked[2]


def site_of(vcenter: VCenter, root: str) -> Any:
    settings = VSphereSettings(
        url=vcenter.url, username=vcenter.user, ca_file=str(vcenter.ca_file), root=root
    )
    return make_vsphere_site("dr", settings, OnePassword(vcenter.password))


async def test_a_vcenter_without_scheduled_tasks_says_so(vcsim_built: None) -> None:
    server = VCenter(events=False)
    try:
        site = site_of(server, server.layout({"erp": ["a"]}))
        await site.open()
        try:
            await site.observe()
            report = await site.hazards("erp", ())
        finally:
            await site.close()
        assert report.warns == () and len(report.not_checked) == 2
        assert report.not_checked[0].startswith(
            "whether scheduled tasks change these VMs (vCenter does not tell"
        )
    finally:
        server.stop()


async def test_a_look_costs_the_same_whatever_the_number_of_vms(vcenter: VCenter) -> None:
    costs = []
    for number, root in ((1, "few"), (20, "many")):
        site = site_of(
            vcenter, vcenter.layout({"erp": [f"vm{i}" for i in range(number)]}, root, snapshots=())
        )
        await site.open()
        try:
            await site.observe()
            before = vcenter.calls()
            await site.hazards("erp", ())
            costs.append(vcenter.calls() - before)
        finally:
            await site.close()
    for cost in costs:
        cost.pop("CurrentTime", None)
    assert costs[0] == costs[1] and costs[0].total() <= 8, costs


def in_session(vcenter: VCenter) -> str:
    """A domain whose record says that its session has been active for a moment; the root's path."""
    root = vcenter.layout({"erp": ["a"]}, running=True)
    now = show(datetime.now(UTC) - timedelta(seconds=5))
    failover = {"id": "op-1", "type": "force", "phase": "recovered", "began": now, "since": now}
    vcenter.set_attribute("erp", "drdeck.failover", json.dumps(failover))
    session = {"id": "op-1", "state": "active", "started": now, "entry": now, "after": "op-1"}
    vcenter.set_attribute("erp", "drdeck.session", json.dumps(session))
    return root


async def test_a_warning_goes_when_its_cause_goes(vcenter: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hazards, "FORESEE_S", 0.3)
    vcenter.control("drs", text=AUTO)
    site = site_of(vcenter, in_session(vcenter))
    alarm_kinds: list[tuple[str, ...]] = []

    async def follow() -> None:
        await site.open()
        async for view in site.watch():
            alarm_kinds.append(tuple(a.kind for a in view.domains[0].alarms if a.kind != "entry"))

    watching = asyncio.create_task(follow())
    try:
        await eventually(lambda: alarm_kinds and alarm_kinds[-1] == ("drs",))
        vcenter.control("drs", text=MANUAL)
        await eventually(lambda: alarm_kinds[-1] == ())
        vcenter.control("schedule", target=vcenter.vm("a")._moId, method="PowerOffVM_Task", text="later")
        await eventually(lambda: alarm_kinds[-1] == ("schedule",))
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await site.close()
