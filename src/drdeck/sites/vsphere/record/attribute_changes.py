"""Changes of a domain's record as attributes to write, and what all transitions need for them."""

from __future__ import annotations

from typing import Any

import msgspec

from drdeck.model.commands import Command

from .attribute_names import ASKED
from .attributes import write, write_askers
from .domain_record import Record

Changes = dict[str, str]
"""Values by attribute, in the order in which they are written; an empty one removes."""


class NotNow(Exception):
    """The record does not allow it; the text says why."""


def replaced(record: Any, **changes: Any) -> str:
    return write(msgspec.structs.replace(record, **changes))


def askers_with(record: Record, c: Command) -> Changes:
    """The user who asked, beside those of what goes on."""
    if not c.asked_by:
        return {}
    f, session = record.failover, record.session
    still = {f.id if f else None, session.id if session else None} - {c.operation}
    kept = {ident: who for ident, who in record.askers.items() if ident in still}
    return {ASKED: write_askers({**kept, c.operation: c.asked_by})}
