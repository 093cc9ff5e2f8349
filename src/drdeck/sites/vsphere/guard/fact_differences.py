"""What was done to a VM between two looks at it, told by what differs. Pure.

Not looked at: `config.changeVersion`, which changes with every start, every snapshot and what VMware
Tools write; that a configuration was changed is told by vCenter's events alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from drdeck.model.guard import Change
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan.restore_points import instant_of

from .event_parser import renamed
from .observations import Observation

_POWER = {"on": "powered it on", "off": "powered it off", "suspended": "suspended it"}


def differences(old: VmFacts, new: VmFacts, since: datetime, until: datetime) -> Iterator[Observation]:
    """All that was done to a VM that is still in its domain; the looks were at `since` and `until`."""

    def told(deed: Change, did: str, to: str = "", points: tuple[datetime, ...] = ()) -> Observation:
        return Observation(
            by="facts", vm=new.id, deed=deed, did=did, since=since, until=until, to=to, points=points
        )

    if old.name != new.name:
        yield told(Change.CONFIG, renamed(old.name, new.name), new.name)
    if old.power != new.power and new.power in _POWER and old.power in _POWER:
        yield told(Change.POWER, _POWER[new.power], new.power)
    if old.host and new.host and old.host != new.host:
        yield told(Change.HOST, "moved it to another host", new.host)
    if old.datastores and new.datastores and set(old.datastores) != set(new.datastores):
        yield told(Change.DATASTORE, "moved disks of it to another datastore")
    before, after = {s.id: s for s in old.snapshots}, {s.id: s for s in new.snapshots}
    for one in new.snapshots:
        known = before.get(one.id)
        if known is None:
            yield told(Change.SNAPSHOT, f'made the snapshot "{one.name}"', one.name, (instant_of(one),))
        elif known.name != one.name:
            points = (instant_of(known), instant_of(one))
            did = f'renamed the snapshot "{known.name}" to "{one.name}"'
            yield told(Change.SNAPSHOT_CHANGED, did, one.id, points)
    for one in old.snapshots:
        if one.id not in after:
            did = f'removed the snapshot "{one.name}"'
            yield told(Change.SNAPSHOT_REMOVED, did, one.id, (instant_of(one),))
    target = _reverted_to(old, new, before, after)
    if target is not None:
        yield told(Change.REVERTED, f'reverted it to the snapshot "{target.name}"', target.id)


def _reverted_to(
    old: VmFacts, new: VmFacts, before: dict[str, SnapshotFact], after: dict[str, SnapshotFact]
) -> SnapshotFact | None:
    """The snapshot that the disks were put back to; None where making and removing some tells it all."""
    at = new.current_snapshot
    while at is not None and at not in before:  # made since: what does it stand on?
        at = after[at].parent_id if at in after else None
    stood: str | None = old.current_snapshot
    while stood is not None and stood not in after:  # removed since: its parent took its place
        stood = before[stood].parent_id if stood in before else None
    if at == stood or at is None:
        return None
    return after.get(at)


class Whereabouts(NamedTuple):
    """Where a VM is that left its domain: a folder's id and name, or nowhere."""

    folder: str = ""
    name: str = ""
    template: bool = False
    hidden: bool = False
    """it may still be there, but cannot be seen any more"""


def left(old: VmFacts, since: datetime, until: datetime, now: Whereabouts) -> Observation:
    """A VM that is not in its domain any more."""
    deed, did = Change.REMOVED, "took it out of the vCenter's inventory"
    if now.template:
        did = "made a template of it"
    elif now.hidden:
        deed, did = Change.MOVED, "moved it to where drdeck's account may not see it"
    elif now.folder:
        deed, did = Change.MOVED, f'moved it out of its domain to the folder "{now.name}"'
    return Observation(by="facts", vm=old.id, deed=deed, did=did, since=since, until=until, to=now.folder)
