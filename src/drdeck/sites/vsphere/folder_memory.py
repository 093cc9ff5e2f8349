"""Domains' folders as this controller saw them last, kept in its state: people rename folders, and tidy
attribute definitions away, with which all their values go (vSphere Client, Custom Attributes)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.private_files import write_private
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, LEASE, MODE, PREFIX, SESSION
from drdeck.sites.vsphere.record.attributes import BrokenRecord, read
from drdeck.sites.vsphere.record.domain_record import Record

log = logging.getLogger(__name__)

FILE = "folders.json"
_WATCHED = (MODE, FAILOVER, SESSION)


class ToolSign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a replication tool may have done to a VM that was taken from it: `did` goes on after who
    it was; `user`: empty where nobody is named."""

    vm: str
    at: datetime
    change: str = msgspec.field(name="deed")
    did: str
    user: str = ""


MOST_SIGNS = 200
"""Of one folder; the newest are kept."""


class FolderNote(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One folder: `settings`, the domain's name in the settings that were its first; `record`, its
    attributes as they were last, at `as_of` (vCenter's clock)."""

    settings: str = ""
    record: dict[str, str] = {}
    as_of: datetime | None = None
    signs: tuple[ToolSign, ...] = ()


class FolderMemory:
    """Notes by folder id. Where the file cannot be used, they last as long as this process.

    On an event loop the file is written by a thread, one write at a time: each domain's record changes with
    each step, and a slow disk must not hold the others. What a kill loses is seen again at the folder.
    """

    def __init__(self, state: Path | None) -> None:
        """`state`: the site's directory; None: nothing outlives this process."""
        self._file = None if state is None else state / FILE
        self._notes: dict[str, FolderNote] = {}
        self._unsaved = False
        self._saving: asyncio.Task[None] | None = None
        self._followed: dict[str, Mapping[str, str]] = {}
        """by folder: the attributes of which its note was made last"""
        self.forgotten = 0
        """So many removals of a record were meant: what is shown of a folder may change by that alone."""
        if self._file is not None:
            try:
                self._notes = msgspec.json.decode(self._file.read_bytes(), type=dict[str, FolderNote])
            except FileNotFoundError:
                pass
            except (OSError, msgspec.MsgspecError, ValueError) as error:
                log.warning("%s cannot be read and is begun anew: %s", self._file, error)

    def settings_name(self, folder: FolderFacts, configured: Collection[str]) -> str:
        """The name in the settings that counts for a folder: that of when it was seen first, as long as the
        settings have it, else its own."""
        note = self._notes.setdefault(folder.id, FolderNote())
        if note.settings in configured:
            return note.settings
        name = unicodedata.normalize("NFC", folder.name)
        if name in configured:
            note.settings = name
            self._save()
        return name

    def follow(self, folder: FolderFacts, now: datetime) -> None:
        """Keep the record that a folder has now, unless it was removed."""
        if self._followed.get(folder.id) is folder.attributes:
            return  # asked with each view, for each domain
        self._followed[folder.id] = folder.attributes
        record = {k: v for k, v in folder.attributes.items() if k.startswith(PREFIX) and k != LEASE}
        note = self._notes.setdefault(folder.id, FolderNote())
        if record != note.record and not self.removed(folder):
            note.record, note.as_of = record, now
            self._save()

    def removed(self, folder: FolderFacts) -> str:
        """The attributes of a folder's record that somebody removed, in words; empty: none."""
        note = self._notes.get(folder.id)
        if note is None or all(folder.attributes.get(k) for k in _WATCHED if note.record.get(k)):
            return ""
        return ", ".join(_removed(note.record, folder.attributes))

    def last(self, folder: str) -> tuple[dict[str, str], datetime | None]:
        """The record that a folder had last, and when that was."""
        note = self._notes.get(folder, FolderNote())
        return dict(note.record), note.as_of

    def forget(self, folder: str) -> None:
        """Take the record of a folder as it is now for what it should be: its removal was meant."""
        note = self._notes.get(folder)
        if note is not None and note.record:
            note.record, note.as_of = {}, None
            self._followed.pop(folder, None)
            self.forgotten += 1
            self._save()

    def signs(self, folder: str) -> tuple[ToolSign, ...]:
        """Signs of a replication tool in a folder, in the order in which they were seen."""
        note = self._notes.get(folder)
        return () if note is None else note.signs

    def add_sign(self, folder: str, sign: ToolSign) -> None:
        note = self._notes.setdefault(folder, FolderNote())
        note.signs = (*note.signs, sign)[-MOST_SIGNS:]
        self._save()

    def drop_sign(self, folder: str, sign: ToolSign) -> None:
        """Take one out again, for one that says more."""
        note = self._notes.setdefault(folder, FolderNote())
        note.signs = tuple(other for other in note.signs if other != sign)

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._saving is not None:
            await self._saving

    def _save(self) -> None:
        if self._file is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # none, as where traces are removed by a thread
            _write(self._file, msgspec.json.encode(self._notes))
            return
        self._unsaved = True
        if self._saving is None or self._saving.done():
            self._saving = loop.create_task(self._save_all(self._file), name="folder-memory")

    async def _save_all(self, file: Path) -> None:
        while self._unsaved:
            self._unsaved = False
            await asyncio.to_thread(_write, file, msgspec.json.encode(self._notes))


def _write(file: Path, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a full disk: what is under way goes on
        write_private(file, data)


def _removed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Attributes that drdeck never takes away, and that are not there any more.

    A session's ends with a note of which ended last, on whatever jump host.
    """
    was, there = _read(before), _read(now)
    missing = []
    if before.get(MODE) and not now.get(MODE):
        missing.append(MODE)
    # an undo or a release writes "imported" before the failover goes
    given_back = there is not None and there.mode is not None and there.mode.mode == "imported"
    if was is not None and was.owned and not now.get(FAILOVER) and not given_back:
        missing.append(FAILOVER)
    session = was.session if was is not None and not now.get(SESSION) else None
    # the note that it has ended is written before it goes, and may have been seen with it
    if session is not None and (there is None or there.pitr.last != session.id):
        missing.append(SESSION)
    return missing


def _read(attributes: Mapping[str, str]) -> Record | None:
    with contextlib.suppress(BrokenRecord):
        return read(attributes)
    return None
