"""What may stop VMs from starting, out of what vCenter shows of hosts, clusters and datastores."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.sites.vsphere.doctor.start_obstacles import (
    MIB,
    ComputeResource,
    Host,
    StartFacts,
    Store,
    obstacles,
)
from drdeck.sites.vsphere.inventory.inventory_facts import NetworkFacts
from tests.support.vcenter.domain_states import vm

GIB = 1024 * MIB
WELL = Host("h1", "", frozenset({"net-1"}), 8 * GIB)
MAINTAINED = Host("h2", "is in maintenance mode", frozenset({"net-1", "net-2"}), 8 * GIB)
STORE = Store("ds1", "", 10 * GIB)
VMS = [vm(name, power="off", host="host-1", datastores=("store-1",)) for name in ("db01", "web01")]


def facts(**changes: Any) -> StartFacts:
    usual: dict[str, Any] = {
        "hosts": {"host-1": WELL},
        "resources": [ComputeResource("c1", frozenset({"host-1", "host-2"}))],
        "stores": {"store-1": STORE},
        "memory": {"vm-db01": 2 * GIB, "vm-web01": 2 * GIB},
    }
    return StartFacts(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"hosts": {"host-1": WELL, "host-2": MAINTAINED}}, ['1 of 2 hosts of "c1" cannot start VMs: h2']),
        ({"hosts": {"host-2": MAINTAINED}}, ['No host of "c1" can start db01, web01: h2']),
        ({"hosts": {}}, ['No host of "c1" can start db01, web01: it has none.']),
        ({"memory": {"vm-db01": 9 * GIB}}, ["2 VMs need 9.7 GB of memory"]),
        (
            {"resources": [ComputeResource("c1", frozenset({"host-1"}), admission_control=True)]},
            ["HA admission control is on"],
        ),
        ({"stores": {"store-1": Store("ds1", "is not accessible", 0)}}, ['"ds1" is not accessible: db01']),
        ({"stores": {"store-1": Store("ds1", "", GIB)}}, ['"ds1" has 1.1 GB free; the swap files']),
    ],
)
def test_each_is_said_with_its_place_and_its_vms(changes: dict[str, Any], expected: list[str]) -> None:
    texts = [hazard.text for hazard in obstacles(facts(**changes), VMS).warns]
    assert len(texts) == len(expected), texts
    assert all(words in text for words, text in zip(expected, texts, strict=True)), texts


def test_a_network_that_only_an_idle_host_has_is_against_it() -> None:
    hosts = {"host-1": WELL, "host-2": MAINTAINED}
    targets = [NetworkFacts("net-1", "A"), NetworkFacts("net-2", "B")]
    texts = [hazard.text for hazard in obstacles(facts(hosts=hosts), VMS, targets).warns]
    assert texts[-1] == 'No usable host of "c1" has the network "B", for db01, web01.'


def test_vms_that_run_need_nothing() -> None:
    running = [vm("db01", power="on", host="host-1", datastores=("store-1",))]
    assert not obstacles(facts(hosts={}, stores={}), running).warns


def test_what_was_not_read_is_not_checked_and_nothing_is_held_against_it() -> None:
    hazards = obstacles(StartFacts(unread="vCenter does not tell: no permission"), VMS)
    assert not hazards.warns
    assert "no permission" in hazards.not_checked[0]
