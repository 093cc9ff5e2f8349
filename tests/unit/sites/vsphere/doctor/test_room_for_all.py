"""Domains that fit one by one and not together are told of before a run."""

from __future__ import annotations

from typing import Any

from drdeck.model.guard import Hazard
from drdeck.sites.vsphere.doctor.room_for_all import room_for_all
from drdeck.sites.vsphere.doctor.start_obstacles import MIB, ComputeResource, Host, StartFacts, Store
from tests.support.vcenter.domain_states import vm

GIB = 1024 * MIB
VMS = [
    vm(name, power=power, host="host-1", datastores=("store-1",))
    for name, power in (("erp-db", "off"), ("crm-db", "off"), ("dmz-proxy", "on"))
]


def facts(**changes: Any) -> StartFacts:
    usual: dict[str, Any] = {
        "hosts": {"host-1": Host("h1", "", frozenset(), 8 * GIB)},
        "resources": [ComputeResource("c1", frozenset({"host-1"}))],
        "stores": {"store-1": Store("ds1", "", 20 * GIB)},
        "memory": {"vm-erp-db": 6 * GIB, "vm-crm-db": 6 * GIB, "vm-dmz-proxy": 6 * GIB},
    }
    return StartFacts(**{**usual, **changes})


def test_each_fits_alone_and_not_together() -> None:
    assert not room_for_all(facts(), VMS[:1]).hazards.warns
    room = room_for_all(facts(), VMS)
    assert room.sums == (
        '"c1": 2 VMs to start with 12.9 GB of memory, 8.6 GB free on its usable hosts.',
        'Datastore "ds1": 2 VMs, whose swap files take up to 12.9 GB, 21.5 GB free.',
    )
    assert ["2 VMs need 12.9 GB of memory" in hazard.text for hazard in room.hazards.warns] == [True]


def test_points_that_are_late_afterwards_are_said_beside_it() -> None:
    late = [Hazard(kind="points", text="Chains grow.")]
    assert [hazard.text for hazard in room_for_all(facts(), VMS[:1], late).hazards.warns] == ["Chains grow."]


def test_what_vcenter_does_not_tell_is_no_sum() -> None:
    room = room_for_all(StartFacts(unread="vCenter does not tell: no permission"), VMS)
    assert room.sums == () and "no permission" in room.hazards.not_checked[0]
