"""How a record changes on a return: every change twice, after a crash between writes, and out of turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drdeck.model import commands as c
from drdeck.model.domains import Mode
from drdeck.sites.vsphere.record import attribute_names as names
from drdeck.sites.vsphere.record import attributes, record_values, return_transitions
from drdeck.sites.vsphere.record.attribute_changes import Changes, NotNow
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import OP, at, failover, session

Attributes = dict[str, str]
Change = Callable[[Record, Any], Changes]
OTHER = "op-9"


def written(before: Attributes, changes: Changes) -> Attributes:
    return {name: text for name, text in {**before, **changes}.items() if text}


def committed(over: bool = True) -> Attributes:
    value = record_values.CommittedRecord(by="op-5", of=OP, at=at(5), over=over)
    return {names.COMMITTED: attributes.write(value)}


def released(phase: Any, by: str = OTHER) -> Attributes:
    value = record_values.ReleaseRecord(by=by, phase=phase, at=at(30), newest=7)
    return {names.RELEASE: attributes.write(value)}


def restored(by: str = OTHER) -> Attributes:
    return {names.RESTORED: attributes.write(record_values.RestoredRecord(by=by, at=at(20)))}


def asks(kind: Any, by: str = OTHER) -> Any:
    return kind(operation=by, domain="erp-prod", asked_by="anna@jump1")


def step(to: str, by: str = OTHER) -> Change:
    return lambda record, now: return_transitions.step(record, by, to, now)


def restore(record: Record, now: Any) -> Changes:
    return return_transitions.restore(record, asks(c.RestoreDomain), now)


def release(record: Record, now: Any) -> Changes:
    return return_transitions.release(record, asks(c.ReleaseDomain), at(30), 7)


def cancel(record: Record, now: Any) -> Changes:
    return return_transitions.cancel_release(record, asks(c.CancelRelease, "op-10"))


CFO = attributes.write(record_values.ModeRecord(mode="cfo", by="op-0", since=at(0)))
RUNS: Attributes = {names.MODE: CFO, names.FAILOVER: attributes.write(failover("finished"))}
SKIPPED = attributes.write_many(names.SKIPPED, ("vm-1",))
COMPLETING: Attributes = {names.MODE: CFO, names.FAILOVER: attributes.write(failover("power"))}
IN_SESSION: Attributes = {**RUNS, names.SESSION: attributes.write(session(after=OP))}
UNDO = record_values.UndoRecord(by="op-7", of=OP, phase="off", since=at(9), began=at(8), start=at(0))
UNDOING: Attributes = {**RUNS, names.UNDO: attributes.write(UNDO)}
NOT_THERE = {
    **attributes.write_many(names.LEFT_OUT, ("vm-2",)),
    **attributes.write_many(names.WITHOUT, ("vm-3",)),
    **attributes.write_many(names.ABSENT, {"erp-web01": True}),
}
"""VMs that the failover left out, as they could not be used or had no replica."""
CLEANING: Attributes = {
    **RUNS,
    **committed(),
    **restored("op-6"),
    **SKIPPED,
    **NOT_THERE,
    **released("clean"),
}

TABLE: list[tuple[str, Attributes, Change, Callable[[Any], object]]] = [
    ("restore", {**RUNS, **committed()}, restore,
     lambda d: d.restored.by == OTHER and d.restored.at == at(60) and d.owned),
    ("release", {**RUNS, **SKIPPED}, release,
     lambda d: (d.release.phase, d.release.at, d.release.newest) == ("wait", at(30), 7) and d.skipped == ()),
    ("release of what was committed", {**RUNS, **committed()}, release, lambda d: d.release.phase == "wait"),
    ("release of what was restored", {**RUNS, **committed(), **restored("op-6")}, release,
     lambda d: d.release.phase == "wait" and d.restored is not None),
    ("cancel", {**RUNS, **released("wait")}, cancel,
     lambda d: d.release is None and d.owned and d.mode_without_vms is Mode.RUNNING_IN_FAILOVER),
    ("replicas are there", {**RUNS, **released("wait")}, step("release_clean"),
     lambda d: d.release.phase == "clean" and d.release.at == at(30)),
    ("released", CLEANING, step("released"),
     lambda d: (d.release, d.failover, d.committed, d.restored, d.skipped) == (None, None, None, None, ())
     and d.mode.mode == "imported" and not d.owned and not d.under_way and d.pitr.reset == at(30)
     and (d.left_out, d.without, d.absent) == ((), (), {})),
]  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_each_change(case: tuple[str, Attributes, Change, Callable[[Any], object]]) -> None:
    _, before, change, holds = case
    changes = change(attributes.read(before), at(60))
    after = written(before, changes)
    assert changes and after != before
    assert holds(attributes.read(after))
    assert written(after, change(attributes.read(after), at(61))) == after, "twice is the same"
    for count in range(len(changes)):
        partly = written(before, dict(list(changes.items())[:count]))
        whole = written(partly, change(attributes.read(partly), at(60)))
        assert whole == after, f"after a crash behind {count} writes"


TOO_EARLY: list[tuple[str, Attributes, Change, str]] = [
    ("restore, not committed", RUNS, restore, "not committed"),
    ("restore, committing", {**RUNS, **committed(over=False)}, restore, "is being committed"),
    ("restore, restored", {**RUNS, **committed(), **restored("op-6")}, restore, "primary site already"),
    ("restore, released", {**RUNS, **committed(), **released("wait", "op-6")}, restore, "somebody else"),
    ("release, imported", {}, release, "no failover runs here"),
    ("release, completing", COMPLETING, release, "no failover runs here"),
    ("release, in a session", IN_SESSION, release, "has a PITR session"),
    ("release, undoing", UNDOING, release, "is being undone"),
    ("release, committing", {**RUNS, **committed(over=False)}, release, "is being committed"),
    ("release, released", {**RUNS, **released("wait", "op-6")}, release, "somebody else"),
    ("cancel, cleaning", CLEANING, cancel, "is being removed"),
]


@pytest.mark.parametrize("case", TOO_EARLY, ids=lambda case: case[0])
def test_out_of_turn(case: tuple[str, Attributes, Change, str]) -> None:
    _, before, change, reason = case
    with pytest.raises(NotNow, match=reason):
        change(attributes.read(before), at(60))


STALE: list[tuple[str, Attributes, Change]] = [
    ("no release", RUNS, step("release_clean")),
    ("somebody else's", {**RUNS, **released("wait", "op-6")}, step("release_clean")),
    ("replicas are waited for", {**RUNS, **released("wait")}, step("released")),
    ("cleaning already", CLEANING, step("release_clean")),
    ("nothing to cancel", RUNS, cancel),
]


@pytest.mark.parametrize("case", STALE, ids=lambda case: case[0])
def test_a_step_whose_time_has_passed(case: tuple[str, Attributes, Change]) -> None:
    _, before, change = case
    assert change(attributes.read(before), at(60)) == {}
