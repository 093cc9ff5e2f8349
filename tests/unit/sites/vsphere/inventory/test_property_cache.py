"""Updates of the property collector, put together."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.inventory.property_cache import PropertyCache, UpdateContradiction
from tests.support.vcenter.inventory_watching import update, watching
from tests.support.vcenter.vcsim import VCenter

PC = vmodl.query.PropertyCollector


def test_every_kind_of_change_is_applied() -> None:
    vm = vim.VirtualMachine("vm-1", None)
    first, second = vim.Task("task-1", None), vim.Task("task-2", None)
    raw = PropertyCache()
    raw.apply(update("enter", vm, name="a", ip=("assign", "guest.ipAddress", "10.0.0.1"), recentTask=[first]))
    known = raw.of("VirtualMachine")["vm-1"]
    raw.apply(update("modify", vm, t=("add", 'recentTask["task-2"]', second)))
    assert known["recentTask"] == [first, second]
    raw.apply(update("modify", vm, t=("remove", 'recentTask["task-1"]', None)))
    assert known["recentTask"] == [second]
    raw.apply(update("modify", vm, t=("indirectRemove", "guest.ipAddress", None)))
    assert "guest.ipAddress" not in known
    raw.apply(update("modify", vm, ip=("assign", "guest.ipAddress", "10.0.0.2"), x=("remove", "guest", None)))
    assert "guest.ipAddress" not in known
    raw.apply(update("modify", vm, name=("assign", "name", None)))
    assert "name" not in known
    raw.apply(update("modify", vim.VirtualMachine("vm-2", None), name="never entered"))
    assert set(raw.of("VirtualMachine")) == {"vm-1"}
    assert raw.apply(update("leave", vm)) == {("VirtualMachine", "vm-1")}
    assert raw.of("VirtualMachine") == {}


def test_coming_and_going_at_once_is_a_contradiction() -> None:
    vm = vim.VirtualMachine("vm-1", None)
    both = update("enter", vm, name="a")
    both.filterSet.append(update("leave", vm).filterSet[0])
    with pytest.raises(UpdateContradiction):
        PropertyCache().apply(both)


async def test_truncated_answers_are_put_together(vcenter: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    vcenter.layout({"erp": ["db01", "db02", "db03"]})
    asked: list[tuple[str, int]] = []
    pending: list[Any] = []
    original = PC.WaitForUpdatesEx

    def in_pieces(self: Any, version: str = "", options: Any = None) -> Any:
        asked.append((version, options.maxWaitSeconds))
        if not pending:
            answer = original(self, version, options)
            if answer is None:
                return None
            for piece in answer.filterSet[0].objectSet:
                part = PC.FilterUpdate(filter=answer.filterSet[0].filter, objectSet=[piece])
                pending.append(PC.UpdateSet(version=answer.version, filterSet=[part], truncated=True))
            pending[-1].truncated = False
        return pending.pop(0)

    monkeypatch.setattr(PC, "WaitForUpdatesEx", in_pieces)
    async with watching(vcenter) as watch:
        seen = await watch.refresh()
    assert len(seen.vms) == 3
    assert len(asked) > 5 and {wait for _, wait in asked} == {0}
