"""Restore points on running VMs: drdeck's own rules over days, with the clock moved by hand.

What is due comes from drdeck; a VM is its snapshots, and a removal merges a delta into what it stands on
(VMware, "Delete Snapshots").
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from drdeck.config.settings import PitrSettings
from drdeck.model.planned import PlannedCall
from drdeck.model.points_budget import AT_ONCE, JOIN_S
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan.domain_alarms import alarms
from drdeck.sites.vsphere.plan.maintenance import due
from drdeck.sites.vsphere.plan.restore_points import removal
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import T0, at, chain, domain_state, failover, settings, snap, vm

DAY_S = 86_400


class Rounds(NamedTuple):
    """Rounds of points over some time. `longest_chain`: between them; `oldest_s`: the greatest age of any
    VM's newest point; `alarmed`: an alarm stood whenever it was older than the interval."""

    longest_chain: int
    made_for_s: float
    oldest_s: float
    alarmed: bool


def rounds(vms: int, a_point_s: float, days: float, **pitr: float) -> Rounds:
    """Make points of so many VMs, each by a snapshot that takes so long, as many at a time as drdeck does."""
    defaults = PitrSettings()
    rules = settings(
        **{
            "window_s": float(defaults.window),
            "interval_s": float(defaults.interval),
            "keep": defaults.keep,
            "points_for_s": float(defaults.points_for),
            **pitr,
        }  # type: ignore[arg-type]
    )
    machines = [vm(f"{number:03}", **chain()) for number in range(vms)]
    record, now_s = Record(failover=failover("finished")), 0.0
    longest, last_s, oldest_s, alarmed = 0, 0.0, 0.0, True
    interval_s = float(rules.pitr.interval)
    step_s = a_point_s
    while now_s < days * DAY_S:
        state = domain_state(*machines, record=record, rules=rules, minutes=now_s / 60)
        calls = {call.vm: call for call in due(state, state.now)[:AT_ONCE]}
        if calls:
            last_s = now_s if any(call.kind == "snapshot" for call in calls.values()) else last_s
            machines = [_after(m, calls[m.id], now_s) if m.id in calls else m for m in machines]
        else:
            longest = max(longest, *(len(m.snapshots) for m in machines))
        if interval_s < now_s < float(rules.pitr.points_for):
            age_s = now_s - min(_newest_s(m) for m in machines)
            if age_s > oldest_s:
                oldest_s = age_s
            if age_s > interval_s + JOIN_S + a_point_s:
                alarmed = alarmed and any(alarm.kind == "points_late" for alarm in alarms(state, [], _since))
        now_s += step_s
    return Rounds(longest, last_s, oldest_s, alarmed)


def _since(kind: str, machine: str | None) -> datetime:
    return T0


def _newest_s(machine: VmFacts) -> float:
    return max(((s.created - T0).total_seconds() for s in machine.snapshots), default=0.0)


def _after(machine: VmFacts, call: PlannedCall, now_s: float) -> VmFacts:
    """A VM after a point or a removal of one snapshot."""
    snapshots = list(machine.snapshots)
    if call.kind == "snapshot":
        snapshots.append(
            SnapshotFact(f"s{now_s}", call.args["name"], call.args["description"], at(now_s / 60), None)
        )
    else:
        snapshots = [s for s in snapshots if s.id != call.args["snapshot"]]
    return msgspec.structs.replace(machine, **chain(*snapshots))


class Removal(NamedTuple):
    tasks: int
    copied: float
    """in sizes of a delta"""


def removal_of_all(points: int) -> Removal:
    """Remove all points of a VM that runs, each with as large a delta, by the calls that drdeck plans."""
    machine = vm("a", **chain(*(snap(str(n), n, "ours") for n in range(points))))
    deltas = {s.id: 1.0 for s in machine.snapshots}
    tasks, copied = 0, 0.0
    while machine.snapshots:
        call = removal(machine, {s.id for s in machine.snapshots}, 60)
        tasks += 1
        doomed = call.args["snapshots"].split() if "snapshots" in call.args else [call.args["snapshot"]]
        for ident in doomed:
            copied += deltas.pop(ident)
            below = next((s.parent_id for s in machine.snapshots if s.id == ident), None)
            if below is not None:
                deltas[below] += 1.0
            left = [s for s in machine.snapshots if s.id != ident]
            machine = msgspec.structs.replace(machine, **chain(*left))
    return Removal(tasks, copied)
