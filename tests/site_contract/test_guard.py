"""The workflow's rule that nothing else may befall a session's VMs: what others do is told, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import GUARD_KINDS, who
from tests.site_contract.bench import VMS, Bench, MakeBench

APP, DB = VMS


def guard_alarms(bench: Bench) -> list[Alarm]:
    """Alarms of what others did."""
    return [alarm for alarm in bench.domain.alarms if alarm.kind in GUARD_KINDS]


def journaled(bench: Bench) -> list[dict[str, Any]]:
    return [e.data for e in bench.controller.journal.events() if e.kind == "alarm"]


@pytest.mark.parametrize(
    ("begun", "on", "alarmed"),
    [
        ("failover", (APP,), (APP,)),
        ("by hand", (DB,), (DB,)),
        ("by hand", (APP, DB), (APP, DB)),
        ("part", (DB,), (DB,)),
        ("part", (APP, DB), (DB,)),
        ("none", (APP, DB), ()),
        ("over", (APP, DB), ()),
    ],
)
async def test_what_others_do_in_a_session(
    make: MakeBench, begun: str, on: tuple[str, ...], alarmed: tuple[str, ...]
) -> None:
    bench = await make(state="synchronised" if begun == "failover" else "owned")
    if begun == "failover":
        await bench.recovered_into_session()
    elif begun != "none":
        await bench.session_by_hand(*((DB,) if begun == "part" else ()))
    if begun == "over":
        await bench.leave()
    for vm in on:
        await bench.meddler(vm)
    await bench.until(
        lambda d: len(guard_alarms(bench)) >= len(alarmed) and all(a.user for a in guard_alarms(bench))
    )
    await bench.look()
    alarms = guard_alarms(bench)
    assert sorted(str(alarm.vm) for alarm in alarms) == sorted(alarmed)
    for alarm in alarms:
        assert alarm.kind == "foreign_snapshot" and alarm.severity is Severity.WARNING
        assert alarm.user and alarm.address
        assert alarm.text.startswith(f'{who(alarm.user, alarm.address)} made the snapshot "')
        assert "roll back to older points, not to this snapshot" in alarm.text, "what it means"
        assert "Pause the tool" in alarm.text, "and what to do"
        assert alarm.time <= bench.now()
    kept = [(d["vm"], d["user"], d["address"], d["text"]) for d in journaled(bench)]
    assert {(a.vm, a.user, a.address, a.text) for a in alarms} <= set(kept)
    assert {d["vm"] for d in journaled(bench)} == set(alarmed)
    if not alarmed:
        return
    points = await bench.points()
    assert {d.vm for d in points.disturbed} == set(alarmed)
    assert not {d.time for d in points.disturbed} & {p.time for p in points.points}, "not to be picked"
    await bench.leave()
    assert guard_alarms(bench) == [], "it goes with its session"
    assert len(journaled(bench)) == len(kept), "and stays in the audit trail"
