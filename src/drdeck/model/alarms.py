"""Alarms of a domain, and findings of the doctor: all that an operator should know unasked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from .frozen import Frozen


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alarm(Frozen, frozen=True, kw_only=True):
    """Something that an operator should know; it goes when its cause goes (the workflow's rule).

    `user`, `address`: who did it and from where, as far as the site tells; user "" is the site itself.
    """

    time: datetime
    severity: Severity
    vm: str | None
    kind: str
    text: str
    user: str | None = None
    address: str = ""
    choices: tuple[str, ...] = ()
    """what may be answered, where the site asks something of a VM"""


class Finding(Frozen, frozen=True, kw_only=True):
    """One line of `drdeck doctor`: `level` is ok, warn or fail; `remedy` says what to do."""

    level: str
    subject: str
    text: str
    remedy: str = ""

    @classmethod
    def ok(cls, subject: str, text: str) -> Finding:
        return cls(level="ok", subject=subject, text=text)

    @classmethod
    def warn(cls, subject: str, text: str, remedy: str = "") -> Finding:
        return cls(level="warn", subject=subject, text=text, remedy=remedy)

    @classmethod
    def fail(cls, subject: str, text: str, remedy: str = "") -> Finding:
        return cls(level="fail", subject=subject, text=text, remedy=remedy)
