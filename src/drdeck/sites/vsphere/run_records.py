"""Runs of failover plans, kept at the root folder and at the domains' folders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.record.kept.run_slots import read_marks, read_notes, with_marks, with_notes, without
from drdeck.sites.vsphere.vcenter.attribute_writer import AttributeWriter
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

from .view.site_state import SiteState

Changes = dict[str, dict[str, str]]
"""Id of a folder -> attributes to set, in order."""


class RunRecords:
    """The writing of runs. vCenter has no compare-and-set, so two who write at a time may overwrite each
    other: who drives a run sees that in its view, and writes anew. What runs begin is guarded by the lease of
    each domain, never by this."""

    def __init__(
        self,
        state: SiteState,
        connected: Callable[[], Connection],
        watching: Callable[[], InventoryWatch],
    ) -> None:
        self._state, self._connected, self._watching = state, connected, watching
        self._attributes = AttributeWriter()
        self._lock = asyncio.Lock()

    async def keep(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        """As `KeepsRuns.keep_run`."""
        async with self._lock:
            inventory = self._state.inventory()
            concerned = [folder.id for folder in inventory.domains if folder.name in marks]
            inventory = await self._watching().refresh_attributes([inventory.root.id, *concerned])
            kept = read_notes(inventory.root.attributes)
            before = next((n for n in kept.notes if n.id == note.id), None)
            if before is not None and before.g > note.g:
                raise Refused(f"{note.id} was taken over by {kept.by.get(note.id) or 'another controller'}")
            bare = msgspec.structs.replace(note, holder=None, silent=False)
            notes = (*(n for n in kept.notes if n.id != note.id), bare)
            folders = {folder.name: folder.attributes for folder in inventory.domains}
            ids = {folder.name: folder.id for folder in inventory.domains}
            noted = {n.id for n in notes}
            changes = Changes()
            by = {**{n.id: kept.by.get(n.id, "") for n in notes}, note.id: self._state.me}
            try:
                for name, mark in marks.items():
                    there = read_marks(folders.get(name, {}))
                    others = tuple(m for m in there if m.run in noted and m.run != note.id)
                    if name in folders and mark not in there:
                        changes[ids[name]] = with_marks(folders[name], (*others, mark))
                # the note comes last: without one the marks count for nothing
                changes[inventory.root.id] = with_notes(inventory.root.attributes, notes, by)
            except ValueError as error:
                raise Refused(f"Could not keep {note.id} at the site: {error}") from None
            await self._write(changes, f"keep {note.id} at the site")

    async def forget(self, ident: str) -> None:
        """As `KeepsRuns.forget_run`."""
        async with self._lock:
            inventory = await self._watching().refresh_attributes()
            kept = read_notes(inventory.root.attributes)
            notes = tuple(n for n in kept.notes if n.id != ident)
            by = {n.id: kept.by.get(n.id, "") for n in notes}
            root = inventory.root
            changes = {root.id: with_notes(root.attributes, notes, by) if notes else without(root.attributes)}
            for folder in inventory.domains:
                there = read_marks(folder.attributes)
                others = tuple(mark for mark in there if mark.run != ident)
                if others != there:
                    changes[folder.id] = with_marks(folder.attributes, others)
            await self._write(changes, f"forget {ident} at the site")

    async def _write(self, changes: Changes, aim: str) -> None:
        def write(session: VCenterSession) -> None:
            for folder, attributes in changes.items():
                for name, value in attributes.items():
                    self._attributes.set(session, folder, name, value)

        try:
            await self._connected().command(write, aim)
        finally:
            await self._watching().refresh_attributes([*changes])
