"""A failover that is undone, released, cancelled or aborted: nothing of it stays in the record, whatever it
wrote there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drdeck.model import commands as c
from drdeck.sites.vsphere.record import attribute_names as names
from drdeck.sites.vsphere.record import (
    attributes,
    record_values,
    return_transitions,
    transitions,
    way_back_transitions,
)
from drdeck.sites.vsphere.record.attribute_changes import Changes
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import OP, at, failover, rollback

Attributes = dict[str, str]
END = "op-9"
CONTINUOUS: Attributes = {
    names.MODE: attributes.write(record_values.ModeRecord(mode="cfo", by="op-0", since=at(0))),
    names.SYNCED: attributes.write(record_values.SyncedRecord(by="op-0", since=at(1))),
    names.REMAP: attributes.write(record_values.RemapRecord(by="op-4", over=True)),
    **attributes.write_many(names.NETWORKS, {"network-1": "network-2"}),
}
BEGUN: Attributes = {
    **CONTINUOUS,
    names.SHUTDOWN: attributes.write(record_values.ShutdownRecord(by=OP, newest=5)),
    names.TOOL: attributes.write(record_values.ToolRecord(by=OP, stopped_by="anna@jump1", at=at(2))),
    names.FAILOVER: attributes.write(failover("take")),
    **attributes.write_many(names.LEFT_OUT, ("vm-2",)),
    **attributes.write_many(names.WITHOUT, ("vm-3",)),
    **attributes.write_many(names.ABSENT, {"erp-web01": True}),
    **attributes.write_many(names.POWER_OFF, ("vm-9",)),
}
STANDS: Attributes = {
    **BEGUN,
    names.FAILOVER: attributes.write(failover("finished")),
    names.ENTERING: attributes.write(record_values.EnteringRecord(by="op-3")),
    names.ROLLBACK: attributes.write(rollback("over")),
    **attributes.write_many(names.ROLLBACK_VMS, ("vm-1",)),
    **attributes.write_many(names.SKIPPED, ("vm-1",)),
}
UNDOING = record_values.UndoRecord(by=END, of=OP, phase="clean", since=at(9), began=at(8), start=at(0))
RELEASING = record_values.ReleaseRecord(by=END, phase="clean", at=at(30), newest=7)
COMMITTED = {
    names.COMMITTED: attributes.write(record_values.CommittedRecord(by="op-5", of=OP, at=at(5), over=True)),
    names.RESTORED: attributes.write(record_values.RestoredRecord(by="op-6", at=at(20))),
}
STAYS = {names.PITR, names.EXCLUDED}
KEPT = {names.MODE, names.SYNCED, names.REMAP, names.NETWORKS}


def undone(record: Record) -> Changes:
    return way_back_transitions.step(record, END, "undone", at(60))


def released(record: Record) -> Changes:
    return return_transitions.step(record, END, "released", at(60))


def cancelled(record: Record) -> Changes:
    return transitions.cancel(record, c.CancelContinuousFailover(operation=END, domain="erp"), at(60))


def aborted(record: Record) -> Changes:
    return transitions.abort(record, c.AbortCompletion(operation=OP, domain="erp"))


ENDS: list[tuple[Attributes, Callable[[Record], Changes], set[str]]] = [
    ({**STANDS, names.UNDO: attributes.write(UNDOING)}, undone, {names.MODE}),
    ({**STANDS, **COMMITTED, names.RELEASE: attributes.write(RELEASING)}, released, {names.MODE}),
    (BEGUN, cancelled, {names.MODE}),
    (BEGUN, aborted, KEPT),
]


def written(before: Attributes, changes: Changes) -> Attributes:
    return {name: text for name, text in {**before, **changes}.items() if text}


@pytest.mark.parametrize(("before", "end", "left"), ENDS, ids=[end.__name__ for _, end, _ in ENDS])
def test_nothing_of_it_stays(before: Attributes, end: Callable[[Record], Changes], left: set[str]) -> None:
    changes = end(attributes.read(before))
    after = written(before, changes)
    assert set(after) - STAYS == left
    mode = attributes.read(after).mode
    assert mode is not None and (mode.mode, mode.by) == (
        ("cfo", "op-0") if left == KEPT else ("imported", END)
    )
    for count in range(len(changes)):  # a crash between two writes
        partly = written(before, dict(list(changes.items())[:count]))
        assert written(partly, end(attributes.read(partly))) == after, f"after a crash behind {count} writes"
