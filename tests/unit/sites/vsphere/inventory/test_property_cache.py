"""Updates of the property collector, put together."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.inventory.property_cache import PropertyCache, UpdateContradiction
from tests.support.vcenter.inventory_watching import apply, domain_vms, update, watching
from tests.support.vcenter.vcsim import VCenter


def test_every_kind_of_change_is_applied() -> None:
    vm = vim.VirtualMachine("vm-1", None)
    first, second = vim.Task("task-1", None), vim.Task("task-2", None)
    raw = PropertyCache()
    apply(
        raw, update("enter", vm, name="a", ip=("assign", "guest.ipAddress", "10.0.0.1"), recentTask=[first])
    )
    properties = raw.of("VirtualMachine")["vm-1"]
    apply(raw, update("modify", vm, t=("add", 'recentTask["task-2"]', second)))
    assert properties["recentTask"] == [first, second]
    apply(raw, update("modify", vm, t=("remove", 'recentTask["task-1"]', None)))
    assert properties["recentTask"] == [second]
    apply(raw, update("modify", vm, t=("indirectRemove", "guest.ipAddress", None)))
    assert "guest.ipAddress" not in properties
    apply(
        raw, update("modify", vm, ip=("assign", "guest.ipAddress", "10.0.0.2"), x=("remove", "guest", None))
    )
    assert "guest.ipAddress" not in properties
    apply(raw, update("modify", vm, name=("assign", "name", None)))
    assert "name" not in properties
    apply(raw, update("modify", vim.VirtualMachine("vm-2", None), name="never entered"))
    assert set(raw.of("VirtualMachine")) == {"vm-1"}
    assert apply(raw, update("leave", vm)) == {("VirtualMachine", "vm-1")}
    assert raw.of("VirtualMachine") == {}


def test_coming_and_going_at_once_is_a_contradiction() -> None:
    vm = vim.VirtualMachine("vm-1", None)
    both = update("enter", vm, name="a")
    both.filterSet.append(update("leave", vm).filterSet[0])
    with pytest.raises(UpdateContradiction):
        apply(PropertyCache(), both)


async def test_answers_in_pieces_are_put_together(vcenter: VCenter) -> None:
    names = [f"vm{number:03}" for number in range(230)]
    vcenter.layout({"erp": names}, snapshots=())
    before = vcenter.calls()
    async with watching(vcenter) as watch:
        inventory = await watch.refresh()
    assert sorted(domain_vms(inventory, "erp")) == names
    assert (vcenter.calls() - before)["WaitForUpdatesEx"] == 3, "pieces of 100 objects"
