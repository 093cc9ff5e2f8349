"""The journal: append-only, on disk before anything is acted on, and chained so that changes show.

One SQLite table `events`: id, time (ISO 8601 UTC), actor (user@host), kind, data (JSON), previous
hash, hash. A hash covers the row and the hash before it. The table `head` names the newest event, so
that the end of the chain is missed too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.times import show
from drdeck.private_files import open_private

from .journal_error import JournalError as JournalError

MIGRATIONS = (
    # 0 -> 1: a new file, or one of before formats were numbered
    """CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
        data TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);""",
    """CREATE TABLE IF NOT EXISTS head (
        one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, hash TEXT NOT NULL);""",
    """CREATE TRIGGER IF NOT EXISTS newest AFTER INSERT ON events BEGIN
        INSERT OR REPLACE INTO head VALUES (1, NEW.id, NEW.hash); END;""",
)
"""What makes format n + 1 of format n, in order. None may touch a row: the chain covers every one."""
SCHEMA = len(MIGRATIONS)
"""The format of journals that this drdeck writes, kept as the file's user_version."""
BUSY_S = 0.25
"""So long another process that holds the file is waited for; the controller stands still meanwhile."""
FIRST = "0" * 64
"""What the first event names as the hash before it."""


class Entry(NamedTuple):
    """An event before it is written: who, what kind, and plain data."""

    actor: str
    kind: str
    data: dict[str, Any]


class Event(Frozen, frozen=True, kw_only=True):
    """One line of the journal, as `drdeck audit export` prints it."""

    id: int
    time: datetime
    actor: str
    kind: str
    data: dict[str, Any]
    previous: str
    hash: str


def _digest(number: int, time: str, actor: str, kind: str, data: str, previous: str) -> str:
    payload = msgspec.json.encode([number, time, actor, kind, data, previous])
    return hashlib.sha256(payload).hexdigest()


def _reading(file: Path) -> str:
    """The URI with which a journal is only read, also where nothing can be written beside it."""
    uri = f"{file.resolve().as_uri()}?mode=ro"
    log = file.with_name(file.name + "-wal")
    if os.access(file.parent, os.W_OK) or (log.exists() and log.stat().st_size):
        return uri
    return f"{uri}&immutable=1"


def _why(error: Exception) -> str:
    """The reason why a journal cannot be opened, with what helps where its file system is the reason."""
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR_SHM"):
        return "no memory can be shared on this file system, as it must be; use --state on a local disk"
    return getattr(error, "strerror", None) or str(error)


class Journal:
    """An open journal. One writer; readers may open the file beside it."""

    def __init__(self, file: Path, read_only: bool = False) -> None:
        """Open, and unless `read_only` create when absent. Raises JournalError."""
        self.file = file
        try:
            if read_only:
                if not file.exists():
                    raise JournalError(f"there is no journal at {file}")
                self._db = sqlite3.connect(_reading(file), uri=True, timeout=5)
            else:
                os.close(open_private(file, os.O_RDWR))  # -wal and -shm take their modes from it
                self._db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA:
                raise JournalError(
                    f"the journal {file} was written by a newer drdeck (format {version}, this one"
                    f" knows {SCHEMA}); use that drdeck, or another --state directory"
                )
            if not read_only:
                self._prepare(version)
            last = self._db.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
            # what was removed from the end leaves a gap, and is not grown over
            last = max(filter(None, (last, self._head())), default=None, key=lambda row: int(row[0]))
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise JournalError(f"the journal {file} cannot be used: {_why(error)}") from None
        self._last_id: int = last[0] if last else 0
        self._last_hash: str = last[1] if last else FIRST

    def _prepare(self, version: int) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        if version == SCHEMA:
            return
        self._db.execute("BEGIN IMMEDIATE")  # all of it or nothing, and nobody else beside
        try:
            for number in range(version, SCHEMA):
                self._db.execute(MIGRATIONS[number])
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _head(self) -> tuple[int, str] | None:
        """The newest event that was ever written; None in a file of before that was noted."""
        table = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'head'").fetchone()
        head = self._db.execute("SELECT id, hash FROM head").fetchone() if table else None
        return None if head is None else (int(head[0]), str(head[1]))

    def append(self, actor: str, kind: str, data: dict[str, Any]) -> Event:
        """Write one event and return when it is on disk. Raises JournalError; then nothing was written."""
        return self.append_all([Entry(actor, kind, data)])[0]

    def append_all(self, entries: Sequence[Entry]) -> list[Event]:
        """Write events and return when all are on disk, which costs as much as one. Raises JournalError;
        then none was written."""
        events, previous = list[Event](), self._last_hash
        rows = []
        for number, entry in enumerate(entries, self._last_id + 1):
            time, text = datetime.now(UTC), msgspec.json.encode(entry.data).decode()
            digest = _digest(number, show(time), entry.actor, entry.kind, text, previous)
            rows.append((number, show(time), entry.actor, entry.kind, text, previous, digest))
            events.append(
                Event(
                    id=number,
                    time=time,
                    actor=entry.actor,
                    kind=entry.kind,
                    data=msgspec.json.decode(text),
                    previous=previous,
                    hash=digest,
                )
            )
            previous = digest
        try:
            self._insert(rows)
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.file} cannot be written: {error}") from None
        self._last_id, self._last_hash = self._last_id + len(rows), previous
        return events

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, all or none. Raises sqlite3.Error."""
        statement = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"
        if len(rows) == 1:
            self._db.execute(statement, rows[0])
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def events(self, *kinds: str) -> Iterator[Event]:
        """Every event, or every one of these kinds, oldest first.

        Raises JournalError for a row that cannot be read.
        """
        of = f"WHERE kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        try:
            rows = self._db.execute(
                f"SELECT id, time, actor, kind, data, previous, hash FROM events {of} ORDER BY id", kinds
            )
            for number, time, actor, kind, data, previous, digest in rows:
                yield Event(
                    id=number,
                    time=datetime.fromisoformat(time),
                    actor=actor,
                    kind=kind,
                    data=msgspec.json.decode(data),
                    previous=previous,
                    hash=digest,
                )
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise JournalError(f"the journal {self.file} cannot be read: {error}") from None

    def last_written(self) -> datetime | None:
        """The time of the newest event; None where there is none. Raises JournalError."""
        try:
            row = self._db.execute("SELECT time FROM events ORDER BY id DESC LIMIT 1").fetchone()
            return None if row is None else datetime.fromisoformat(row[0])
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise JournalError(f"the journal {self.file} cannot be read: {error}") from None

    def count(self) -> int:
        """The number of events. Raises JournalError."""
        try:
            return int(self._db.execute("SELECT count(*) FROM events").fetchone()[0])
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.file} cannot be read: {error}") from None

    def verify(self) -> list[str]:
        """Faults of the chain, a sentence for each changed or missing row; empty when sound."""
        wrong: list[str] = []
        expected_id, previous = 1, FIRST
        try:
            with contextlib.closing(self._db.cursor()) as reading:
                reading.execute("BEGIN")  # rows and head of one moment, while the controller writes
                try:
                    rows = reading.execute(
                        "SELECT id, time, actor, kind, data, previous, hash FROM events ORDER BY id"
                    ).fetchall()
                    head = self._head()
                finally:
                    reading.execute("ROLLBACK")
        except (sqlite3.Error, ValueError, TypeError) as error:
            return [f"the journal {self.file} cannot be read: {error}"]
        for number, time, actor, kind, data, before, digest in rows:
            if number != expected_id:
                wrong.append(f"events {expected_id} to {number - 1} are missing")
            elif before != previous:
                wrong.append(f"event {number} does not follow the event before it")
            if digest != _digest(number, time, actor, kind, data, before):
                wrong.append(f"event {number} was changed after it was written")
            expected_id, previous = number + 1, digest
        if head is not None and head[0] >= expected_id:
            wrong.append(f"events {expected_id} to {head[0]} are missing")
        elif head is not None and head != (expected_id - 1, previous):
            wrong.append(f"event {expected_id - 1} was not the last one to be written")
        return wrong

    def close(self) -> None:
        self._db.close()
