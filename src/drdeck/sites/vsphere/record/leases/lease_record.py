"""Record of a lease in a folder's attribute: who holds it, until when, and which process that is."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from drdeck.model.times import show_spaced


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a lease, as its attribute has it.

    `by`: user@host of the holder and a number of its state directory; `g`: the number of its claim.
    Times are vCenter's.

    `users`: the vCenter accounts of those who drive and drove, the newest first. `process`: the machine's
    boot and the process that wrote it, by which two of one name are told apart; empty: an older drdeck.
    """

    by: str
    g: int
    since: datetime
    until: datetime
    users: tuple[str, ...] = ()
    process: str = ""


class ProcessMark:
    """A process and the boot of its machine, in a few characters.

    A copied machine or state directory has its controller's name twice. Two boots are two machines, or one
    that was started again; within one boot a later process of the name is taken for a restart, until both
    are seen at work.
    """

    def __init__(self, boot: str | None = None) -> None:
        boot = _boot() if boot is None else boot
        self.boot = hashlib.sha256(boot.encode()).hexdigest()[:8]
        self.text = f"{self.boot}.{secrets.token_hex(4)}"
        self.doubled = False
        """another process was seen to write under this one's name"""

    def wrote(self, value: LeaseRecord, now: datetime) -> bool:
        """True for a lease of this process, of one before it, or of one of its name that is silent now."""
        if value.process in ("", self.text) or value.until <= now:
            return True
        return value.process.partition(".")[0] == self.boot and not self.doubled


def _boot() -> str:
    """The id of the machine's boot (Linux; elsewhere none, and each later process is a restart)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


THIS_PROCESS = ProcessMark()


class LeaseReading(NamedTuple):
    """A domain's lease as vCenter shows it: the value, and each claim with the key of its definition."""

    value: LeaseRecord | None
    claims: Mapping[int, int]

    @property
    def top(self) -> int:
        return max(self.claims, default=0)


def parse(text: str | None) -> LeaseRecord | None:
    """The lease in an attribute; nonsense counts as none."""
    if not text:
        return None
    with contextlib.suppress(msgspec.DecodeError, ValueError):
        return msgspec.json.decode(text, type=LeaseRecord)
    return None


NOBODY: Mapping[str, datetime] = {}


def lease_holder(
    text: str | None,
    me: str,
    now: datetime,
    mark: ProcessMark = THIS_PROCESS,
    silent: Mapping[str, datetime] = NOBODY,
) -> str | None:
    """The other controller that drives the domain of an attribute's text, in words; None without one.

    `silent`: those that have no session at vCenter any more; they drive nothing, whatever they wrote.
    """
    value = parse(text)
    if value is None or value.until <= now or (value.by == me and mark.wrote(value, now)):
        return None
    if value.by != me and value.by in silent:
        return None
    return f"{holder_words(value.by, me)} since {second(value.since)}"


def abandoned_by(
    text: str | None, me: str, now: datetime, silent: Mapping[str, datetime] = NOBODY
) -> str | None:
    """Another controller that drove the domain last and is silent now; None when that was us or it works.

    `silent`: those that have no session at vCenter any more, and since when.
    """
    value = parse(text)
    if value is None or value.by == me or (value.until > now and value.by not in silent):
        return None
    return f"{holder_words(value.by, me)} until {second(min(value.until, silent.get(value.by, value.until)))}"


_COPY = "is this machine, or its state directory, a copy?"


def holder_words(by: str, me: str) -> str:
    """The controller of a lease, for people: user@host, and which of several that one person has there."""
    name, _, ident = by.rpartition("#")
    if by == me:
        return f"another process under this controller's own name ({name or by}; {_COPY})"
    if not name:
        return by
    return f"another drdeck of {name} ({ident})" if name == me.rpartition("#")[0] else name


def second(instant: datetime) -> str:
    """An instant of a lease for people, in UTC."""
    return show_spaced(instant.replace(microsecond=0))
