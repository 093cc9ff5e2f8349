"""The journal: on disk before anything else, chained, and refused when it cannot be trusted."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drdeck.controller.journal.audit import export, verify
from drdeck.controller.journal.event_store import FIRST, Journal, JournalError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def filled(file: Path, count: int = 5) -> None:
    journal = Journal(file)
    for i in range(count):
        journal.append("anna@jump", "note", {"i": i, "text": "ünïcödé\n"})
    journal.close()


def test_what_is_written_is_read_again(file: Path) -> None:
    filled(file)
    events = list(Journal(file).events())
    assert [e.data["i"] for e in events] == list(range(5))
    assert events[0].previous == FIRST
    assert [e.previous for e in events[1:]] == [e.hash for e in events[:-1]]


def test_another_process_sees_what_append_returned_from(file: Path) -> None:
    journal = Journal(file)
    journal.append("anna@jump", "note", {})
    assert len(list(Journal(file, read_only=True).events())) == 1
    journal.append("anna@jump", "note", {})
    assert Journal(file, read_only=True).count() == 2


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE events SET data = '{\"i\":9}' WHERE id = 3", "event 3 was changed"),
        ("UPDATE events SET actor = 'mallory' WHERE id = 1", "event 1 was changed"),
        ("UPDATE events SET time = '2026-01-01T00:00:00Z' WHERE id = 2", "event 2 was changed"),
        ("DELETE FROM events WHERE id = 2", "events 2 to 2 are missing"),
        ("DELETE FROM events WHERE id IN (1, 2)", "events 1 to 2 are missing"),
        ("UPDATE events SET previous = hash WHERE id = 4", "event 4"),
        ("DELETE FROM events WHERE id >= 4", "events 4 to 5 are missing"),
        ("DELETE FROM events", "events 1 to 5 are missing"),
        ("UPDATE events SET hash = previous WHERE id = 5", "event 5 was changed"),
    ],
)
def test_tampering_is_found(file: Path, statement: str, says: str) -> None:
    filled(file)
    assert verify(file) == (5, [])
    with sqlite3.connect(file) as db:
        db.execute(statement)
    db.close()
    assert says in "; ".join(verify(file)[1])


def test_what_was_removed_from_the_end_is_not_grown_over(file: Path) -> None:
    filled(file)
    with sqlite3.connect(file) as db:
        db.execute("DELETE FROM events WHERE id = 5")
    db.close()
    filled(file, 2)
    assert verify(file) == (6, ["events 5 to 5 are missing"])


def test_a_journal_that_is_being_written_is_sound(file: Path) -> None:
    journal = Journal(file)
    journal.append("anna@jump", "note", {})
    stop = threading.Event()

    def read() -> list[str]:
        reader, wrong = Journal(file, read_only=True), list[str]()
        while not stop.is_set():
            wrong += reader.verify()
        return wrong

    with ThreadPoolExecutor(1) as pool:
        problems = pool.submit(read)
        for i in range(300):
            journal.append("anna@jump", "note", {"i": i})
        stop.set()
        assert problems.result() == []


def test_export_is_json_lines(file: Path) -> None:
    filled(file, 2)
    lines = [json.loads(line) for line in export(file)]
    assert set(lines[0]) == {"id", "time", "actor", "kind", "data", "previous", "hash"}
    assert lines[0]["time"].endswith("Z")


def test_a_newer_journal_is_refused(file: Path) -> None:
    filled(file)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="newer drdeck"):
        Journal(file)


def test_a_file_that_is_no_journal_is_refused(file: Path) -> None:
    file.write_bytes(b"this is not a database, and rather long at that" * 100)
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(file)
    with pytest.raises(JournalError, match="cannot be used"):
        list(export(file))


@pytest.mark.parametrize("name", ["SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_SHMOPEN"])
def test_a_file_system_without_shared_memory_is_told_with_what_helps(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name

    def connect(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(JournalError, match=r"no memory can be shared .*; use --state on a local disk"):
        Journal(file)


def test_no_journal_yet_is_said(file: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        list(export(file))
    assert not file.exists()


def test_a_locked_journal_refuses_and_recovers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drdeck.controller.journal.event_store.BUSY_S", 0.0)
    journal = Journal(file)
    journal.append("anna@jump", "note", {})
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append("anna@jump", "note", {})
    blocker.execute("ROLLBACK")
    blocker.close()
    journal.append("anna@jump", "note", {})
    assert journal.verify() == []
    assert journal.count() == 2
