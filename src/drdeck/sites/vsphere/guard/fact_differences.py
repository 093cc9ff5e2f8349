"""Observations of a VM by its facts: what differs between two looks at it. Pure.

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

    def observation(change: Change, did: str, to: str = "", points: tuple[datetime, ...] = ()) -> Observation:
        return Observation(
            by="facts", vm=new.id, change=change, did=did, since=since, until=until, to=to, points=points
        )

    if old.name != new.name:
        yield observation(Change.CONFIG, renamed(old.name, new.name), new.name)
    if old.power != new.power and new.power in _POWER and old.power in _POWER:
        yield observation(Change.POWER, _POWER[new.power], new.power)
    if old.host and new.host and old.host != new.host:
        yield observation(Change.HOST, "moved it to another host", new.host)
    if old.datastores and new.datastores and set(old.datastores) != set(new.datastores):
        yield observation(Change.DATASTORE, "moved disks of it to another datastore")
    before, after = {s.id: s for s in old.snapshots}, {s.id: s for s in new.snapshots}
    for snapshot in new.snapshots:
        earlier, name = before.get(snapshot.id), snapshot.name
        if earlier is None:
            yield observation(Change.SNAPSHOT, f'made the snapshot "{name}"', name, (instant_of(snapshot),))
        elif earlier.name != name:
            points = (instant_of(earlier), instant_of(snapshot))
            did = f'renamed the snapshot "{earlier.name}" to "{name}"'
            yield observation(Change.SNAPSHOT_CHANGED, did, snapshot.id, points)
    for snapshot in old.snapshots:
        if snapshot.id not in after:
            did = f'removed the snapshot "{snapshot.name}"'
            yield observation(Change.SNAPSHOT_REMOVED, did, snapshot.id, (instant_of(snapshot),))
    target = _reverted_to(old, new, before, after)
    if target is not None:
        yield observation(Change.REVERTED, f'reverted it to the snapshot "{target.name}"', target.id)


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
    """The place of a VM that left its domain: a folder's id and name, or nowhere."""

    folder: str = ""
    name: str = ""
    template: bool = False
    hidden: bool = False
    """it may still be there, but cannot be seen any more"""


def left(old: VmFacts, since: datetime, until: datetime, now: Whereabouts) -> Observation:
    """A VM that is not in its domain any more."""
    change, did = Change.REMOVED, "took it out of the vCenter's inventory"
    if now.template:
        did = "made a template of it"
    elif now.hidden:
        change, did = Change.MOVED, "moved it to where drdeck's account may not see it"
    elif now.folder:
        change, did = Change.MOVED, f'moved it out of its domain to the folder "{now.name}"'
    return Observation(by="facts", vm=old.id, change=change, did=did, since=since, until=until, to=now.folder)
