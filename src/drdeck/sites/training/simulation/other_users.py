"""Snapshots that others take of VMs of a PITR session: people, and tools that have a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from drdeck.model.alarms import Alarm
from drdeck.model.guard import Change, Hazard, alarm, who
from drdeck.model.pitr import Disturbed
from drdeck.model.times import show_spaced
from drdeck.sites.training.units import instant

from .domain_faults import Fault, pick
from .domain_machine import DomainMachine, SessionStage

_PEOPLE = ("svc-backup", "svc-monitoring", "j.doe", "night-shift")
_NAMES = {
    "svc-backup": "backup, do not remove",
    "svc-monitoring": "probe",
    "j.doe": "before patching",
    "night-shift": "just in case",
}
_TOOLS = frozenset({"svc-backup", "svc-monitoring"})
"""They come by a schedule, which can be known before."""


class ForeignSnapshot(NamedTuple):
    """One that somebody made: when (ticks), of which VM, and who from where."""

    at: int
    vm: str
    user: str
    address: str

    @property
    def name(self) -> str:
        return _NAMES[self.user]

    @property
    def did(self) -> str:
        return f'made the snapshot "{self.name}"'


def _by(machine: DomainMachine, fault: Fault, vm: str) -> tuple[str, str]:
    """User and address; they follow from the scenario's seed."""
    user = _PEOPLE[pick(machine.seed, "user", fault.number, vm) % len(_PEOPLE)]
    return user, f"10.20.0.{10 + pick(machine.seed, 'address', user) % 200}"


def snapshots(machine: DomainMachine, at: int) -> Iterator[ForeignSnapshot]:
    """Those made in the session so far."""
    session = machine.session
    if session is None or session.stage is SessionStage.WAITING:
        return
    for when, number, fault in session.foreign:
        if when <= at:
            vm = machine.vms[number].name
            yield ForeignSnapshot(when, vm, *_by(machine, fault, vm))


def alarms(machine: DomainMachine, at: int) -> list[Alarm]:
    """They belong to the session, and go with it."""
    return [
        alarm(Change.SNAPSHOT, one.vm, one.did, instant(one.at), one.user, one.address)
        for one in snapshots(machine, at)
    ]


def disturbed(machine: DomainMachine, at: int) -> tuple[Disturbed, ...]:
    """The same among the restore points, newest first: none of them can be picked."""
    marks = [
        Disturbed(
            time=instant(snapshot.at),
            vm=snapshot.vm,
            text=f"{who(snapshot.user, snapshot.address)} {snapshot.did} in the PITR session",
        )
        for snapshot in snapshots(machine, at)
    ]
    return tuple(sorted(marks, key=lambda d: (d.time, d.vm), reverse=True))


def hazards(machine: DomainMachine, names: tuple[str, ...], at: int) -> tuple[Hazard, ...]:
    """Schedules of tools that are still to come, for VMs by name (empty: all)."""
    schedules = []
    for fault in machine.faults:
        if fault.kind != "foreign_snapshot" or fault.start <= at:
            continue
        for number in sorted(fault.vms):
            vm = machine.vms[number].name
            user, _ = _by(machine, fault, vm)
            if user in _TOOLS and (not names or vm in names):
                runs = show_spaced(instant(fault.start))
                text = (
                    f"The snapshot schedule of {user} is for {vm}, next at {runs}."
                    " Have it paused until the PITR session is exited."
                )
                schedules.append(Hazard(kind="schedule", text=text))
    return tuple(schedules)
