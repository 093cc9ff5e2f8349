"""Changes by others to VMs of a PITR session, and what they mean for the rollback.

Source: the workflow's rule that no VMware events may happen on a session's VMs.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from .alarms import Alarm, Severity
from .frozen import Frozen
from .text import some
from .times import show


class Change(StrEnum):
    """Kinds of foreign changes; the values are the kinds of the alarms."""

    SNAPSHOT = "foreign_snapshot"
    SNAPSHOT_CHANGED = "foreign_snapshot_changed"
    SNAPSHOT_REMOVED = "foreign_snapshot_removed"
    REVERTED = "foreign_revert"
    HOST = "foreign_host"
    DATASTORE = "foreign_datastore"
    CLONE = "foreign_clone"
    CONFIG = "foreign_config"
    POWER = "foreign_power"
    MOVED = "foreign_move"
    REMOVED = "foreign_removal"
    HA = "foreign_ha"
    CONSOLIDATION = "foreign_consolidation"
    DISK = "foreign_disk"


GUARD_KINDS = frozenset(str(change) for change in Change)
"""Kinds of alarms that tell of somebody else's changes; they belong to their session and go with it."""
TOOL_RETURNED = "tool_returned"
"""Kind of the alarm that a replication tool is at work on what was taken from it."""

_CRITICAL = frozenset({Change.SNAPSHOT_REMOVED, Change.REVERTED, Change.MOVED, Change.REMOVED})

_MEANS = {
    Change.SNAPSHOT: "You can still roll back to older points, not to this snapshot. Pause the tool that made"
    " it until you leave the session, then delete it.",
    Change.SNAPSHOT_CHANGED: "A point is known by its name and time: look at the restore points before you"
    " roll back, and have its old name given back.",
    Change.SNAPSHOT_REMOVED: "It cannot be rolled back to that point any more; a rollback takes its next"
    " older one. Have the removing stopped before more points go.",
    Change.REVERTED: "Its disks are not what the session shows any more. Roll it back again before you trust"
    " what is tested on it.",
    Change.HOST: "Rollbacks work there as well. Set DRS to manual for it until the session is exited.",
    Change.DATASTORE: "Its points move along, and no rollback of it begins while they do. Check its restore"
    " points, and keep Storage DRS and people from moving it until the session is exited.",
    Change.CLONE: "No rollback of it begins while it is copied, and the copy has what is tested now. Have the"
    " cloning stopped, or wait for its end before you roll back.",
    Change.CONFIG: "A rollback may undo this, and may leave the configuration as it is. Write the change"
    " down, and make it again after the session.",
    Change.POWER: "What was tested on it may not count. A rollback still works: it powers the VM off and on"
    " again.",
    Change.MOVED: "No rollback and no exit reaches it there. Have it moved back before you roll back.",
    Change.REMOVED: "It cannot be rolled back, and its points may be lost. Have it registered again in the"
    " domain's folder if its files are still there.",
    Change.HA: "What it had in memory is lost, and what was tested on it may not count. Look after its host"
    " and its VMware Tools before you test on. A rollback still works.",
    Change.CONSOLIDATION: "No rollback of it begins while its disks are merged, and points may go with it."
    " Look at its restore points before you roll back, and have whatever asks for it paused until then.",
    Change.DISK: "Its files are locked while another VM has its disk: reverting to or removing a snapshot may"
    " fail. Let that backup end, and keep its job from running until the session is exited.",
}
"""For the rollback, and what to do."""


_MOVED_SHOWN = 4


class Hazard(Frozen, frozen=True, kw_only=True):
    """Something that may disturb a PITR session once it is active, and what to do; `kind`: drs, schedule."""

    kind: str
    text: str


class Hazards(Frozen, frozen=True, kw_only=True):
    """Dangers of an act, as a site foresees them.

    `not_checked`: what the site does not tell, or would not.
    """

    warns: tuple[Hazard, ...] = ()
    not_checked: tuple[str, ...] = ()


THROUGH_CLIENT = "through the vSphere Client"
"""In place of an address that is vCenter's own, and nobody's."""


def who(user: str | None, address: str = "") -> str:
    """The name of a user for a sentence; None is not known, empty the site itself."""
    if user is None:
        return "Somebody whom vCenter does not name"
    name = user or "vCenter itself"
    if address == THROUGH_CLIENT:
        return f"{name} ({address})"
    return f"{name} (from {address})" if address else name


def moves(
    times: dict[str, int], did: str, first: datetime, last: datetime, user: str | None, address: str = ""
) -> Alarm:
    """The one alarm of all moves to other hosts; `times`: VM -> how often, the last move's user and words.

    DRS moves VMs all day, and no rollback is harmed by it.
    """
    total = sum(times.values())
    each = some([f"{vm} {count} times" if count > 1 else vm for vm, count in times.items()], _MOVED_SHOWN)
    return Alarm(
        time=first,
        severity=Severity.WARNING,
        vm=next(iter(times)) if len(times) == 1 else None,
        kind=str(Change.HOST),
        text=f"{total} moves to other hosts in this session ({each}). The last one, at {show(last)}:"
        f" {who(user, address)} {did}. {_MEANS[Change.HOST]}",
        user=user,
        address="" if address == THROUGH_CLIENT else address,
    )


def changed_point(vm: str, did: str, user: str | None) -> str:
    """The hint of a restore point that somebody else changed in the session."""
    return f"changed by {user or ('vCenter itself' if user is not None else 'others')}: {vm} ({did})"


def alarm(
    change: Change, vm: str, did: str, time: datetime, user: str | None = None, address: str = ""
) -> Alarm:
    """The alarm of a change; `did` goes on after who it was: 'made the snapshot "nightly"'."""
    return Alarm(
        time=time,
        severity=Severity.CRITICAL if change in _CRITICAL else Severity.WARNING,
        vm=vm,
        kind=str(change),
        text=f"{who(user, address)} {did}. {_MEANS[change]}",
        user=user,
        address="" if address == THROUGH_CLIENT else address,
    )
