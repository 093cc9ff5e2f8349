"""The list of domains while some are marked for a Failover Plan: what the plan would do with each."""

from __future__ import annotations

from datetime import datetime

from drdeck.console.format import Line, Piece, cut, left
from drdeck.console.widgets.domain_columns import NAME_CELLS, domain_header, domain_row
from drdeck.model.domains import Domain
from drdeck.model.text import clean

LOOKING: Piece = ("looking ...", "dim")
_MARK, _GAP = 2, 2
_ROOMY = 70
"""Cells from which on the VMs are counted, too."""


def _shape(width: int) -> tuple[tuple[str, ...], int]:
    """The columns that stay beside what the plan would do, and the cells of all of them."""
    columns, fixed = (("mode", "VMs"), 28) if width >= _ROOMY else (("mode",), 20)
    first = max(NAME_CELLS, min(24, (width - _MARK - fixed) // 3 + 1))
    return columns, first + fixed


def mark_header(width: int) -> Line:
    """The heads of the columns while some are marked."""
    columns, room = _shape(width)
    (head, style), *_ = domain_header(room, columns)
    return ((" " * _MARK + left(head, room) + " " * _GAP + "The plan", style),)


def mark_row(domain: Domain, width: int, now: datetime, asks: bool, plan: Piece | None) -> Line:
    """A domain with its mark; `plan`: what the plan would do with it, None where it is not marked."""
    columns, room = _shape(width)
    row = domain_row(domain, room, now, asks, columns)
    if plan is None:
        return ((" " * _MARK, ""), *row)
    words, style = plan
    rest = max(0, width - _MARK - room - _GAP)
    return (("✓ ", "key"), *row, (" " * _GAP, ""), (cut(clean(words), rest), style))
