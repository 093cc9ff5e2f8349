"""What a doctor says."""

from __future__ import annotations

from .frozen import Frozen


class Finding(Frozen, frozen=True, kw_only=True):
    """One line of `drdeck doctor`: `level` is ok, warn or fail; `remedy` says what to do."""

    level: str
    subject: str
    text: str
    remedy: str = ""
