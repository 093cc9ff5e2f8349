"""Phases in which a failover or a rollback stands in a domain's record: the one table of them. Pure.

A step names the phase that it leads to, or "next" for the next runbook group, "down" for that to shut down.
What the record shows now decides, so that a step that was taken already, and is asked for again after a
crash, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

FailoverPhase = Literal["shutdown", "point", "take", "network", "power", "delay", "recovered", "finished"]
RollbackPhase = Literal["off", "revert", "power", "delay", "over"]
ReleasePhase = Literal["wait", "clean"]
"""Of a release: the replicas are waited for, and drdeck's own points are removed."""
UndoPhase = Literal["off", "revert", "clean"]
"""Of an undo: the VMs are powered off, each is reverted to its entry point, and what is left is removed."""

TrialPhase = Literal["clone", "network", "power", "delay", "running", "off", "parked", "remove"]
"""Of a test: VMs are cloned, their cards are read back as isolated, they are started by the runbook, and run.
Then they are powered off and removed. "parked": off for a failover, and removed when that is over."""


class PhaseRow(NamedTuple):
    """A phase. `owned`: this site owns the domain in it, so that it cannot be aborted any more; `groups`:
    runbook groups are started in it, counted by the record's `g`."""

    owned: bool = True
    groups: bool = False


FAILOVER_PHASES: Mapping[str, PhaseRow] = {
    "shutdown": PhaseRow(owned=False),  # Planned only: the protected VMs are shut down
    "point": PhaseRow(owned=False),  # Planned only: a restore point newer than the shutdown is waited for
    "take": PhaseRow(owned=False),  # nothing is left but to take the ownership
    "network": PhaseRow(),  # cards are connected to the recovery networks
    "power": PhaseRow(groups=True),  # a group is powered on, and waited for until it is ready
    "delay": PhaseRow(groups=True),  # the delay after that group runs
    "recovered": PhaseRow(),  # every VM serves; a PITR session may follow
    "finished": PhaseRow(),  # over, but kept: it says that this site owns the domain
}
ROLLBACK_PHASES: Mapping[str, PhaseRow] = {
    "off": PhaseRow(),  # the VMs are powered off
    "revert": PhaseRow(),  # each is reverted; nothing is started before all are, so a lost revert is repeated
    "power": PhaseRow(groups=True),
    "delay": PhaseRow(groups=True),
    "over": PhaseRow(),  # over, but kept until the next one: it says where the VMs were rolled back to
}

Fields = dict[str, Any]
"""Fields of a record to change, but for its times; empty: the step was taken already."""


class Standing(Protocol):
    """A record that stands in a phase, at runbook group `g`, try `n`."""

    @property
    def phase(self) -> str: ...
    @property
    def g(self) -> int: ...
    @property
    def n(self) -> int: ...


def failover_step(f: Standing, to: str, g: int) -> Fields:
    """A step of a failover to any later phase; `g`: the group that the step was planned for."""
    if to in ("delay", "next", "recovered"):
        return _group_step(f, FAILOVER_PHASES[f.phase], to, g)
    if to == "down":
        return {"g": g} if f.phase == "shutdown" and f.g < g else {}
    order = list(FAILOVER_PHASES)
    if order.index(to) <= order.index(f.phase):
        return {}
    # a shutdown may be taken back to, and what is asked after it is asked anew then
    return {"phase": to, "g": 0, "n": f.n if to in ("point", "take") else 1}


def rollback_step(r: Standing, to: str, g: int) -> Fields:
    """A step of a rollback to the phase after; `g`: the group that the step was planned for."""
    if to == "revert":
        return {"phase": to} if r.phase == "off" else {}
    if to == "power":
        return {"phase": to, "g": 0, "n": 1} if r.phase == "revert" else {}
    return _group_step(r, ROLLBACK_PHASES[r.phase], to, g)


def _group_step(r: Standing, row: PhaseRow, to: str, g: int) -> Fields:
    if not row.groups or r.g != g:
        return {}
    if to == "next":
        return {"phase": "power", "g": g + 1, "n": 1}
    return {} if to == r.phase else {"phase": to}
