"""Custom attributes of folders, of whichever reading began last, or as they were just written."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Collection, Iterator, Mapping

from .fact_parser import attributes_of


class AttributeReading:
    """A reading under way of some folders, empty: of all. What it brings counts as of its beginning."""

    def __init__(self, number: int, folders: Collection[str]) -> None:
        self.number, self.folders = number, frozenset(folders)

    def covers(self, folder: str) -> bool:
        return not self.folders or folder in self.folders


class FolderAttributes:
    """Attributes by folder id and name. Any thread may ask.

    The watching, leases and records each read them, several at a time: of two readings of a folder the one
    that began later counts, for the other one may have been answered before what that saw.
    """

    def __init__(self) -> None:
        self.by_folder: dict[str, dict[str, str]] = {}
        self.names: dict[int, str] = {}
        """of the attributes, by the keys of their definitions"""
        self._numbers = itertools.count(1)
        self._read: dict[str, int] = {}
        """folder -> number of the reading, or of the writing, that counts"""
        self._named = 0
        """number of the reading that brought the names"""
        self._under_way: list[AttributeReading] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def reading(self, folders: Collection[str] = ()) -> Iterator[AttributeReading]:
        """Around a reading from its request to its being taken."""
        with self._lock:
            reading = AttributeReading(next(self._numbers), folders)
            self._under_way.append(reading)
        try:
            yield reading
        finally:
            with self._lock:
                self._under_way.remove(reading)

    def take(
        self, reading: AttributeReading, names: Mapping[int, str], values: Mapping[str, Mapping[int, str]]
    ) -> bool:
        """Take what a reading brought, values by folder id and key; `names` empty: the known ones count.
        False where one has a value whose name is not known: then nothing was taken."""
        with self._lock:
            if names and reading.number > self._named:
                self.names, self._named = dict(names), reading.number
            if any(key not in self.names for of_one in values.values() for key in of_one if not names):
                return False
            fresh = attributes_of(values, names or self.names)
            others = self.by_folder if not reading.folders else reading.folders
            kept = dict(self.by_folder)
            for folder in {*others, *fresh}:
                if self._read.get(folder, 0) < reading.number:
                    self._read[folder] = reading.number
                    kept[folder] = fresh.get(folder, {})
            self.by_folder = kept
            return True

    def mark(self) -> int:
        """The number of a writing that begins now."""
        return next(self._numbers)

    def wrote(self, mark: int, folder: str, changes: Mapping[str, str]) -> bool:
        """Take what was written at a folder since `mark` as read. False where that does not tell how it
        stands: another reading of it ended since, or is under way; then it is to be read."""
        with self._lock:
            may_be_older = any(reading.covers(folder) for reading in self._under_way)
            if may_be_older or self._read.get(folder, 0) > mark or folder not in self.by_folder:
                return False
            attributes = {**self.by_folder[folder], **changes}
            self.by_folder = self.by_folder | {folder: {k: v for k, v in attributes.items() if v}}
            self._read[folder] = next(self._numbers)
            return True
