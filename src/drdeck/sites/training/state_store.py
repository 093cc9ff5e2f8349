"""Files of a training site: its scenario, the accepted commands, and its clock.

Everything else is computed from these, so the state after a kill is the state without it. Each
row is chained to the one before by a hash; a file that does not add up is refused, never repaired.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.plans.run_note import KeptRun
from drdeck.model.times import show
from drdeck.private_files import make_private, open_private
from drdeck.sites.contract import Refused
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.simulation.fault_injection import SiteCommand

from .site_simulation import Accepted

MIGRATIONS: tuple[tuple[str, ...], ...] = ()
"""What makes format n + 2 of format n + 1, in order. None may touch a command: the chain covers every one."""
_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE commands (number INTEGER PRIMARY KEY, at TEXT NOT NULL, operation TEXT NOT NULL,"
    " key TEXT NOT NULL, command TEXT NOT NULL, hash TEXT NOT NULL, UNIQUE (operation, key)) STRICT",
)
RESET = "`drdeck train reset` sets it aside and begins anew (in a lesson: `drdeck train LESSON --again`)"
"""What to do with a file that cannot be used; nothing is ever begun anew silently."""


def formats() -> int:
    """The format that this drdeck writes; it reads every one before."""
    return 1 + len(MIGRATIONS)


class StateRefused(Refused):
    """The training site's file cannot be used as it is; the sentence says why and what to do."""


class Anchor(Frozen, frozen=True, kw_only=True):
    """The site's clock read `site` at our time `real`, and runs `speed` times as fast."""

    real: datetime
    site: datetime
    speed: float

    def at(self, real: datetime) -> datetime:
        """The site's time at our time `real`; our clock going back does not take it back."""
        passed = max(timedelta(0), real - self.real)
        return self.site + passed * self.speed


def file_of(state: Path, scenario: str) -> Path:
    """The file of a scenario's training site in a state directory."""
    return state / f"training-{scenario}.db"


class StateStore:
    """The open file. `count` is of the commands accepted so far; `anchor` is the clock."""

    def __init__(self, state: Path, scenario: Scenario, speed: float, now: datetime) -> None:
        """Open or create it. Raises StateRefused; nothing is changed then."""
        self.path = file_of(state, scenario.name)
        self.count = 0
        self._newest: datetime | None = None
        self._last = ""
        try:
            make_private(state)
        except OSError as error:
            raise StateRefused(f"{state}: cannot be made: {error.strerror or error}") from None
        try:
            os.close(open_private(self.path, os.O_RDWR))
            new = self.path.stat().st_size == 0
            self._base = sqlite3.connect(self.path, isolation_level=None, timeout=5)
        except (sqlite3.Error, OSError) as error:
            raise StateRefused(f"{self.path}: cannot be opened: {error}") from None
        try:
            self._open(scenario, speed, now, new)
        except sqlite3.OperationalError as error:
            self.close()
            if "no such" in str(error):
                raise StateRefused(self._damaged(str(error))) from None
            raise StateRefused(f"{self.path}: cannot be used now: {error}") from None
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            self.close()
            raise StateRefused(self._damaged(str(error))) from None
        except StateRefused:
            self.close()
            raise
        # the clock never stands before what was accepted, and never stands still, whatever ours says
        last = self._newest or self.anchor.site
        if speed != self.anchor.speed or self.anchor.at(now) < last or now < self.anchor.real:
            self._anchor(Anchor(real=now, site=max(last, self.anchor.at(now)), speed=speed))

    def _damaged(self, why: str) -> str:
        return f"{self.path}: is damaged ({why}); {RESET}"

    def _open(self, scenario: Scenario, speed: float, now: datetime, new: bool) -> None:
        base = self._base
        base.execute("PRAGMA journal_mode = DELETE")
        base.execute("PRAGMA synchronous = FULL")
        text = canonical(scenario)
        if new:
            self.anchor = Anchor(real=now, site=scenario.first_instant.astimezone(UTC), speed=speed)
            base.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                base.execute(statement)
            rows = [("format", str(formats())), ("scenario", text), ("anchor", _json(self.anchor))]
            base.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            base.execute("COMMIT")
            return
        (sound,) = base.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise StateRefused(self._damaged(str(sound)))
        meta = dict(base.execute("SELECT key, value FROM meta").fetchall())
        self._bring_up_to_date(int(meta["format"]))
        if meta["scenario"] != text:
            raise StateRefused(
                f'{self.path}: belongs to another text of the scenario "{scenario.name}", so what happened'
                f" there cannot be replayed; bring the old text back, or begin anew: {RESET}"
            )
        self.anchor = msgspec.json.decode(meta["anchor"], type=Anchor)
        for accepted, chained in self._rows():
            self._last = _chained(self._last, *accepted)
            if chained != self._last:
                raise StateRefused(self._damaged(f"command {self.count + 1} was changed"))
            self.count, self._newest = self.count + 1, _accepted(*accepted).at

    def _rows(self) -> Iterator[tuple[tuple[str, str], str]]:
        """((time, command), hash) of each."""
        with closing(self._base.execute("SELECT at, command, hash FROM commands ORDER BY number")) as rows:
            for at, command, chained in rows:
                yield (at, command), chained

    def _bring_up_to_date(self, written: int) -> None:
        if written > formats():
            raise StateRefused(
                f"{self.path}: was written by a newer drdeck (format {written}, this one knows {formats()});"
                f" use that drdeck, or another --state directory, or begin anew: {RESET}"
            )
        if written < 1:
            raise StateRefused(self._damaged(f"format {written}"))
        if written == formats():
            return
        base = self._base
        base.execute("BEGIN IMMEDIATE")  # all of it or nothing
        try:
            for statements in MIGRATIONS[written - 1 :]:
                for statement in statements:
                    base.execute(statement)
            base.execute("UPDATE meta SET value = ? WHERE key = 'format'", (str(formats()),))
            base.execute("COMMIT")
        except sqlite3.Error:
            base.execute("ROLLBACK")
            raise

    def accepted(self) -> Iterator[Accepted]:
        """The commands accepted so far, in order, as the file has them."""
        for accepted, _ in self._rows():
            yield _accepted(*accepted)

    def has(self, command: SiteCommand) -> bool:
        """True if a command was accepted, ever. Raises Refused when that cannot be read."""
        try:
            rows = self._base.execute(
                "SELECT 1 FROM commands WHERE operation = ? AND key = ?", (command.operation, command.key)
            )
            return rows.fetchone() is not None
        except sqlite3.Error as error:
            raise Refused(f"{self.path}: cannot be read: {error}") from None

    def append(self, command: SiteCommand, at: datetime) -> None:
        """Keep an accepted command for good. Raises Refused when it cannot be stored."""
        when, text = show(at), _json(command)
        chained = _chained(self._last, when, text)
        try:
            self._base.execute(
                "INSERT INTO commands (at, operation, key, command, hash) VALUES (?, ?, ?, ?, ?)",
                (when, command.operation, command.key, text, chained),
            )
        except sqlite3.Error as error:
            raise Refused(f"{self.path}: the command could not be stored: {error}") from None
        self._last = chained
        self.count += 1

    def jump(self, seconds: float, now: datetime) -> None:
        """Move the site's clock on by so many seconds of the site."""
        site = self.anchor.at(now) + timedelta(seconds=seconds)
        self._anchor(Anchor(real=now, site=site, speed=self.anchor.speed))

    def go_on(self, site: datetime, now: datetime) -> None:
        """From now on the site's clock runs from `site`, at its speed."""
        self._anchor(Anchor(real=now, site=site, speed=self.anchor.speed))

    def set_speed(self, speed: float, now: datetime) -> None:
        """From now on run at another speed."""
        self._anchor(Anchor(real=now, site=self.anchor.at(now), speed=speed))

    def _anchor(self, anchor: Anchor) -> None:
        try:
            self._base.execute("UPDATE meta SET value = ? WHERE key = 'anchor'", (_json(anchor),))
        except sqlite3.Error as error:
            raise Refused(f"{self.path}: the clock could not be stored: {error}") from None
        self.anchor = anchor

    def runs(self) -> dict[str, KeptRun]:
        """Runs of failover plans, by id. Raises Refused when they cannot be read."""
        try:
            row = self._base.execute("SELECT value FROM meta WHERE key = 'runs'").fetchone()
            return msgspec.json.decode(row[0], type=dict[str, KeptRun]) if row else {}
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise Refused(f"{self.path}: the runs cannot be read: {error}") from None

    def keep_runs(self, runs: Mapping[str, KeptRun]) -> None:
        """Keep these runs, and no others. Raises Refused when they cannot be stored."""
        try:
            self._base.execute("INSERT OR REPLACE INTO meta VALUES ('runs', ?)", (_json(runs),))
        except sqlite3.Error as error:
            raise Refused(f"{self.path}: the runs could not be stored: {error}") from None

    def close(self) -> None:
        self._base.close()


def _accepted(at: str, command: str) -> Accepted:
    return Accepted(at=datetime.fromisoformat(at), command=msgspec.json.decode(command, type=SiteCommand))


def canonical(scenario: Scenario) -> str:
    """A scenario as text that is the same however its file was laid out."""
    return _json(scenario)


def _json(data: object) -> str:
    return msgspec.json.encode(data, order="deterministic").decode()


def _chained(last: str, at: str, command: str) -> str:
    return blake2b(f"{last}\n{at}\n{command}".encode(), digest_size=16).hexdigest()
