"""The columns of the list of domains: those of a width, or those that the operator chose. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drdeck.config.settings import ColumnName
from drdeck.console.format import UNKNOWN, Line, Piece, age, left, name, right, window
from drdeck.model.alarms import Severity
from drdeck.model.domains import Domain, Mode
from drdeck.model.life.trial_words import tested_word
from drdeck.model.text import clean, show_bytes

from .list_rows import (
    MODE_STYLES,
    STATE,
    alarm_sign,
    health_text,
    last_good_text,
    short_counts,
    state_text,
)
from .status_bars import recovered_text

_FLOW = (
    Mode.PITR_SESSION, Mode.COMPLETING, Mode.SYNCHRONISED, Mode.REHYDRATING, Mode.IMPORTED,
    Mode.RELEASING, Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED,
)  # fmt: skip
"""What wants an operator first: unprotected, then under way, then at rest."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
NAME_CELLS = 14
"""A domain's name has so many cells at least, with its sign; columns without room for it are left out."""


@dataclass(frozen=True)
class Column:
    """A column of the list of domains.

    `cells`: its width. `order`: by which the list is sorted, what wants somebody first.
    """

    name: ColumnName
    head: str
    cells: int
    text: Callable[[Domain, datetime], Piece]
    order: Callable[[Domain, datetime], Any]
    help: str
    to_the_right: bool = False

    def cell(self, text: str) -> str:
        return right(text, self.cells) if self.to_the_right else left(text, self.cells)


def _mode(domain: Domain, now: datetime) -> Piece:
    return state_text(domain, now), "bad" if domain.broken else MODE_STYLES.get(domain.mode, "")


def _window(domain: Domain, now: datetime) -> Piece:
    if not domain.pitr.enabled:
        return "off", ""
    return "on" if domain.observed_only else window(domain.pitr.window_s), ""


def _to_copy(domain: Domain, now: datetime) -> Piece:
    return UNKNOWN if domain.remaining_bytes is None else show_bytes(domain.remaining_bytes), ""


def _alarms(domain: Domain, now: datetime) -> Piece:
    return str(len(domain.alarms) or UNKNOWN), alarm_sign(domain)[1]


def _tested(domain: Domain, now: datetime) -> Piece:
    return tested_word(domain.tested, now, domain.trial_offer is not None), ""


def _session(domain: Domain, now: datetime) -> Piece:
    length = domain.unprotected_s(now)
    return (UNKNOWN, "") if length is None else (age(length), "warn")


COLUMNS = (
    Column("mode", "State", STATE, _mode,
           lambda d, now: _FLOW.index(d.mode) if d.mode in _FLOW else len(_FLOW), "where the domain is"),
    Column("VMs", "VMs", 7, lambda d, now: (short_counts(recovered_text(d).replace(" ", "")), ""),
           lambda d, now: -d.vms_total, "ready, of all", to_the_right=True),
    Column("health", "Health", 9, lambda d, now: health_text(d),
           lambda d, now: (-d.checked.failed, -d.checked.unknown), "what the VMs' checks say"),
    Column("RPO", "RPO", 6, lambda d, now: (age(d.rpo_s(now)), ""),
           lambda d, now: d.consistent_at or _NEVER, "the age of what could be recovered", to_the_right=True),
    Column("window", "Window", 6, _window,
           lambda d, now: d.pitr.window_s if d.pitr.enabled else 0, "how far back points are kept",
           to_the_right=True),
    Column("good", "Last good", 9,
           lambda d, now: (last_good_text(d, now), "warn" if d.abnormal_since is not None else ""),
           lambda d, now: d.last_good or _NEVER, "the last point before abnormal writing"),
    Column("owner", "Owner", 7, lambda d, now: (str(d.owner).upper(), ""),
           lambda d, now: str(d.owner), "the site that has it"),
    Column("copy", "To copy", 8, _to_copy, lambda d, now: -(d.remaining_bytes or 0),
           "data that is known to remain", to_the_right=True),
    Column("alarms", "Alarms", 6, _alarms,
           lambda d, now: (-sum(a.severity is Severity.CRITICAL for a in d.alarms), -len(d.alarms)),
           "how many there are", to_the_right=True),
    Column("session", "Session", 7, _session, lambda d, now: -(d.unprotected_s(now) or 0),
           "how long its VMs are unprotected", to_the_right=True),
    Column("tested", "Tested", 11, _tested,
           lambda d, now: d.tested.at if d.tested is not None else _EARLIEST,
           "age and result of the last test"),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}
_USUAL = ("mode", "VMs", "health", "RPO", "good")
_GAINED = ("window", "copy", "tested")
"""Columns that come to those, one after another, while a name keeps `AMPLE_CELLS`."""
AMPLE_CELLS = 18


def columns_for(width: int, selection: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns that are shown in so many cells: those that have room, from the left."""
    columns = [column for column in COLUMNS if column.name in (selection or _USUAL)]
    while columns and width - _cells(columns) < NAME_CELLS:
        columns.pop()
    if selection or len(columns) < len(_USUAL):
        return tuple(columns)
    names = {*_USUAL}
    for gained in _GAINED:
        wider = [column for column in COLUMNS if column.name in {*names, gained}]
        if width - _cells(wider) < AMPLE_CELLS:
            break
        names, columns = {*names, gained}, wider
    return tuple(columns)


def _cells(columns: Iterable[Column]) -> int:
    return sum(column.cells + 1 for column in columns)


def domain_header(width: int, selection: Sequence[str] = ()) -> Line:
    """The heads of the columns."""
    columns = columns_for(width, selection)
    heads = [left("Domain", max(NAME_CELLS, width - _cells(columns)))]
    heads += [column.cell(column.head) for column in columns]
    return ((" ".join(heads).rstrip(), "head"),)


def domain_row(
    domain: Domain, width: int, now: datetime, asks: bool = False, selection: Sequence[str] = ()
) -> Line:
    """One domain of the list: its name with its sign, then the columns."""
    columns = columns_for(width, selection)
    first = max(NAME_CELLS, width - _cells(columns))
    sign, style = ("?", "alert") if asks else alarm_sign(domain)
    pieces: list[Piece] = [(name(domain.name, first - 2), "bold"), (f" {sign}", style)]
    for column in columns:
        text, style = column.text(domain, now)
        pieces.append((f" {column.cell(clean(text))}", style))
    return tuple(pieces)


def ordered(domains: Iterable[Domain], order: str, now: datetime) -> list[Domain]:
    """Sorted by "name" or a column, what wants somebody first; without an order as the site has them."""
    rows = list(domains)
    if order:
        rows.sort(key=lambda d: (d.name.casefold(), d.name))
    column = next((column for column in COLUMNS if column.name == order), None)
    if column is not None:
        rows.sort(key=lambda d: column.order(d, now))
    return rows
