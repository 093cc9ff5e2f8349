"""Memory of the guard of each session, for the time after its controller was killed.

A small file beside the journal, which nobody else reads. Without it, as on another jump host, vCenter's
events since the session's start tell the same, but for what no event tells.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec

from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .session_memory import SessionMemory

log = logging.getLogger(__name__)

FILE = "guard.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (folder TEXT PRIMARY KEY, memory TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vms (folder TEXT, vm TEXT, facts TEXT NOT NULL, PRIMARY KEY (folder, vm));
"""
_BUSY_S = 0.25


class GuardStore:
    """The open file. Where it cannot be used the guard goes on without, and the log says why."""

    def __init__(self, state: Path | None) -> None:
        """`state`: the site's directory; None: nothing outlives this process."""
        self._db: sqlite3.Connection | None = None
        if state is None:
            return
        try:
            self._db = sqlite3.connect(state / FILE, timeout=_BUSY_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # what is lost with the machine's power is made up for by vCenter's events
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            log.warning("the guard keeps nothing, because %s cannot be used: %s", state / FILE, error)
            self._db = None

    def load(self, folder: str, session: str) -> tuple[SessionMemory, dict[str, VmFacts]] | None:
        """Memory and facts of a session; None where nothing is kept."""
        if self._db is None:
            return None
        try:
            row = self._db.execute("SELECT memory FROM sessions WHERE folder = ?", (folder,)).fetchone()
            if row is None:
                return None
            memory = msgspec.json.decode(row[0], type=SessionMemory)
            if memory.session != session:
                return None
            rows = self._db.execute("SELECT vm, facts FROM vms WHERE folder = ?", (folder,))
            facts = {vm: msgspec.json.decode(text, type=VmFacts) for vm, text in rows}
        except (sqlite3.Error, msgspec.MsgspecError, ValueError) as error:
            log.warning("what was kept of the session of %s cannot be read: %s", folder, error)
            return None
        memory.windows.forget_calls()
        for foreign in memory.foreign:
            foreign.arrived_s = foreign.raised_s = None  # by the clock of a process that is gone
        return memory, facts

    def save(
        self, folder: str, memory: SessionMemory, facts: Mapping[str, VmFacts | None], anew: bool = False
    ) -> None:
        """Keep the memory and these VMs' facts (None: not there any more); with `anew` nothing else."""
        if self._db is None:
            return
        try:
            self._db.execute("BEGIN")
            with self._db:
                if anew:
                    self._db.execute("DELETE FROM vms WHERE folder = ?", (folder,))
                text = msgspec.json.encode(memory).decode()
                self._db.execute("REPLACE INTO sessions VALUES (?, ?)", (folder, text))
                for vm, fact in facts.items():
                    if fact is None:
                        self._db.execute("DELETE FROM vms WHERE folder = ? AND vm = ?", (folder, vm))
                    else:
                        row = (folder, vm, msgspec.json.encode(fact).decode())
                        self._db.execute("REPLACE INTO vms VALUES (?, ?, ?)", row)
        except sqlite3.Error as error:
            log.warning("the guard could not keep what it knows of %s: %s", folder, error)

    def forget(self, folder: str) -> None:
        """The session of a folder is over."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):  # the next session replaces it
                self._db.execute("DELETE FROM sessions WHERE folder = ?", (folder,))
                self._db.execute("DELETE FROM vms WHERE folder = ?", (folder,))

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
