"""What may stop a domain's VMs from starting, as the doctor's lines."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.sites.vsphere.doctor.start_findings import of_domain
from drdeck.sites.vsphere.doctor.start_obstacles import ComputeResource, Host, StartFacts, Store
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, NetworkFacts
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import domain_state, vm

DB = vm("db01", power="off", host="host-1", datastores=("store-1",))
NETWORKS = {"net-1": NetworkFacts("net-1", "DR-Net"), "net-2": NetworkFacts("net-2", "Elsewhere")}
INVENTORY = Inventory(
    serial=1, root=FolderFacts("root", "drdeck", "vm"), folders={}, vms={}, networks=NETWORKS
)


def facts(**changes: Any) -> StartFacts:
    usual: dict[str, Any] = {
        "hosts": {"host-1": Host("h1", "", frozenset({"net-1"}), 8 << 30)},
        "resources": [ComputeResource("c1", frozenset({"host-1"}))],
        "stores": {"store-1": Store("ds1", "", 10 << 30)},
        "memory": {"vm-db01": 1 << 30},
    }
    return StartFacts(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "networks", "level", "text", "remedy"),
    [
        ({}, {"a": "net-1"}, "ok", "nothing seen", ""),
        ({"hosts": {"host-1": Host("h1", "is in maintenance mode", frozenset(), 0)}}, {}, "warn",
         "h1 is in maintenance mode", "maintenance mode"),
        ({"stores": {"store-1": Store("ds1", "is not accessible", 0)}}, {}, "warn", "ds1", "datastore"),
        ({}, {"a": "net-2"}, "warn", '"Elsewhere"', "add the network"),
        ({"unread": "vCenter does not tell: no permission"}, {}, "warn", "not checked: ", ""),
    ],
)  # fmt: skip
def test_each_obstacle_is_a_line(
    changes: dict[str, Any], networks: dict[str, str], level: str, text: str, remedy: str
) -> None:
    s = domain_state(DB, record=Record(networks=networks))
    (finding,) = of_domain(facts(**changes), s, INVENTORY)
    assert finding.level == level and text in finding.text and remedy in finding.remedy
    assert finding.subject == f"starts of {s.name}"
