"""Values of a foreign answer, each taken for what its field is published to be, or left out and noted."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.text import brief, quoted

LONGEST = 500
"""Characters of a text that are kept."""
MOST = 10_000
"""VMs, steps, alerts or recoveries that are read."""
KB = 1024
"""Bytes in what the fields call KB, as VMware counts them."""
_LARGEST = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}
ABSENT = msgspec.UNSET
"""In place of the value of a field that an answer does not have."""


class Timestamp(Frozen, frozen=True, kw_only=True):
    """A timestamp as it came; `instant`: the same where its unit is set and it is one that can be."""

    raw: str
    instant: datetime | None = None


class FieldReader:
    """Takes a value for what its field is published to be, or leaves it out and notes what is odd.

    A field that is absent or null is not odd: nothing says that all of them are always there.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self.oddities: dict[str, str] = {}
        """field -> what is odd of it, of a list's items the first; a thousand VMs make no thousand remarks"""

    def odd(self, field: str, value: object) -> None:
        self.oddities.setdefault(field, f"{field} is {_in_words(value)}")

    def text(self, value: object, field: str, number_too: bool = False) -> str:
        """A text as it came, cut; a number that stands in its place is shown, and odd unless `number_too`."""
        if value is None or value is ABSENT:
            return ""
        if isinstance(value, str):
            return _kept(value)
        if not number_too or isinstance(value, bool | list | dict):
            self.odd(field, value)
        return _kept(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else ""

    def texts(self, value: object, field: str) -> list[str]:
        return [text for item in self._list(value, field) if (text := self.text(item, field))]

    def items(self, value: object, field: str) -> list[dict[str, Any]]:
        """The objects of a list; what is none is left out."""
        objects = []
        for item in self._list(value, field):
            if isinstance(item, dict):
                objects.append(item)
            else:
                self.odd(f"an item of {field}", item)
        return objects

    def table(self, value: object, field: str) -> dict[str, Any]:
        if value is None or value is ABSENT:
            return {}
        if isinstance(value, dict):
            return value
        self.odd(field, value)
        return {}

    def _list(self, value: object, field: str) -> list[Any]:
        if value is None or value is ABSENT:
            return []
        if not isinstance(value, list):
            self.odd(field, value)
            return []
        if len(value) > MOST:
            self.oddities.setdefault(field, f"{field} has more than {MOST} items, of which those are shown")
        return value[:MOST]

    def number(self, value: object, field: str) -> float | None:
        if value is None or value is ABSENT:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(_float(value)):
            return value
        self.odd(field, value)
        return None

    def size(self, value: object, field: str) -> int | None:
        """Bytes, of a number of KB."""
        number = self.number(value, field)
        if number is None:
            return None
        if 0 <= number * KB < _LARGEST:
            return int(number * KB)
        self.odd(field, value)
        return None

    def percent(self, value: object, field: str) -> float | None:
        number = self.number(value, field)
        if number is None or 0 <= number <= 100:
            return None if number is None else float(number)
        self.odd(field, value)
        return None

    def timestamp(self, value: object, field: str) -> Timestamp | None:
        raw = self.text(value, field, number_too=True)
        if not raw:
            return None
        if not isinstance(value, int):
            if not isinstance(value, bool):
                self.odd(field, value)
            return Timestamp(raw=raw)
        return Timestamp(raw=raw, instant=self._instant(value, field))

    def _instant(self, value: int, field: str) -> datetime | None:
        if self._unit not in _UNITS:
            return None
        try:
            instant = _EPOCH + timedelta(seconds=value / _UNITS[self._unit])
        except OverflowError:
            instant = None
        if instant is None or instant.year < 2000 or instant.year > 2200:
            self.oddities.setdefault(
                field,
                f"{field} is {brief(str(value))}, which is no likely time in the unit"
                f' "{self._unit}" of the settings',
            )
            return None
        return instant


def _kept(text: str) -> str:
    """A text that can be stored and sent: lone halves of surrogate pairs cannot."""
    return brief(text.encode("utf-8", "replace").decode("utf-8"), LONGEST)


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, bool):
        return "true" if value else "false"
    return brief(_kept(str(value)) if not isinstance(value, str) else quoted(_kept(value)))


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
