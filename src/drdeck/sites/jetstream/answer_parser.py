"""The answer of `pitrstatus`, read leniently: what is absent or odd is left out, and said.

The published sample contradicts itself (sizes that do not add up, a progress that none of them gives), so
nothing here is computed from other fields; the unit of its timestamps is not published.
"""

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
COMPLETE = "COMPLETE"
"""The published name of the last step."""
_LARGEST = 2**62
_APART = 0.05
"""By so much of the whole, sizes or a progress may differ before that is a contradiction."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}
_MISSING = msgspec.UNSET


class NotAnAnswer(ValueError):
    """It is not what the call is published to answer; the text says why, and goes on after the server."""


class Timestamp(Frozen, frozen=True, kw_only=True):
    """A timestamp as it came; `instant`: the same where its unit is set and it is one that can be."""

    raw: str
    instant: datetime | None = None


class ApplianceVm(Frozen, frozen=True, kw_only=True):
    """A VM of the answer; empty where the answer does not tell."""

    id: str = ""
    uuid: str = ""
    name: str = ""
    status: str = ""


class Alert(Frozen, frozen=True, kw_only=True):
    """One of `criticalAlerts`; `resumable` None: not told."""

    code: str = ""
    category: str = ""
    name: str = ""
    cause: str = ""
    details: str = ""
    resumable: bool | None = None


class PreviousRecovery(Frozen, frozen=True, kw_only=True):
    index: str
    point: Timestamp


class PitrStatus(Frozen, frozen=True, kw_only=True):
    """One answer. None and empty texts: not told. `oddities`: sentences without a full stop."""

    id: str = ""
    name: str = ""
    total_bytes: int | None = None
    remaining_bytes: int | None = None
    recovered_bytes: int | None = None
    connection: str = ""
    progress: float | None = None
    rollback: Timestamp | None = None
    vms: tuple[ApplianceVm, ...] = ()
    steps: tuple[str, ...] = ()
    step: str = ""
    alerts: tuple[Alert, ...] = ()
    recoveries: tuple[PreviousRecovery, ...] = ()
    oddities: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.step == COMPLETE or (not self.step and self.progress == 100)

    @property
    def running(self) -> bool:
        """A PITR operation is under way: it has a step, or a progress, that is not the last."""
        if self.complete:
            return False
        return bool(self.step) or (self.progress is not None and self.progress > 0)


class _Answer(msgspec.Struct):
    """The published fields, whatever is in them."""

    id: Any = _MISSING
    name: Any = _MISSING
    totalDataKB: Any = _MISSING
    remainingDataKB: Any = _MISSING
    recoveredDataKB: Any = _MISSING
    connectionStatus: Any = _MISSING
    progress: Any = _MISSING
    rollbackTimestamp: Any = _MISSING
    protectedVms: Any = _MISSING
    overview: Any = _MISSING
    criticalAlerts: Any = _MISSING
    previousRecoveries: Any = _MISSING


_decoder = msgspec.json.Decoder(_Answer)


def parse(data: bytes, unit: str = "raw") -> PitrStatus:
    """The status in an answer's body. `unit` of its timestamps: s, ms, us or raw. Raises NotAnAnswer."""
    try:
        answer = _decoder.decode(data)
    except msgspec.ValidationError:
        raise NotAnAnswer("is JSON, but no object with the published fields") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        start = data[:60].decode("utf-8", "replace").strip()
        kind = "HTML" if start.startswith("<") else "something else"
        raise NotAnAnswer(f"is {kind} in place of JSON") from None
    fields = FieldReader(unit)
    overview = fields.table(answer.overview, "overview")
    status = PitrStatus(
        id=fields.text(answer.id, "id"),
        name=fields.text(answer.name, "name"),
        total_bytes=fields.size(answer.totalDataKB, "totalDataKB"),
        remaining_bytes=fields.size(answer.remainingDataKB, "remainingDataKB"),
        recovered_bytes=fields.size(answer.recoveredDataKB, "recoveredDataKB"),
        connection=fields.text(answer.connectionStatus, "connectionStatus"),
        progress=fields.percent(answer.progress, "progress"),
        rollback=fields.timestamp(answer.rollbackTimestamp, "rollbackTimestamp"),
        vms=tuple(_vm(fields, item) for item in fields.items(answer.protectedVms, "protectedVms")),
        steps=tuple(fields.texts(overview.get("steps", _MISSING), "overview.steps")),
        step=fields.text(overview.get("currentStep", _MISSING), "overview.currentStep"),
        alerts=tuple(_alert(fields, item) for item in fields.items(answer.criticalAlerts, "criticalAlerts")),
        recoveries=tuple(
            _recovery(fields, item) for item in fields.items(answer.previousRecoveries, "previousRecoveries")
        ),
    )
    oddities = (*fields.oddities, *_contradictions(status))
    return msgspec.structs.replace(status, oddities=tuple(dict.fromkeys(oddities)))


def _vm(fields: FieldReader, item: dict[str, Any]) -> ApplianceVm:
    return ApplianceVm(
        **{key: fields.text(item.get(key, _MISSING), f"protectedVms.{key}") for key in _VM_FIELDS}
    )


_VM_FIELDS = ("id", "uuid", "name", "status")


def _alert(fields: FieldReader, item: dict[str, Any]) -> Alert:
    def text(key: str) -> str:
        return fields.text(item.get(key, _MISSING), f"criticalAlerts.{key}", number_too=key == "code")

    resumable = item.get("resumable")
    if resumable is not None and not isinstance(resumable, bool):
        fields.odd("criticalAlerts.resumable", resumable)
        resumable = None
    return Alert(
        code=text("code"),
        category=text("category"),
        name=text("name"),
        cause=text("causeMessageCode"),
        details=text("causeMessageDetails"),
        resumable=resumable,
    )


def _recovery(fields: FieldReader, item: dict[str, Any]) -> PreviousRecovery:
    where = "previousRecoveries"
    point = fields.timestamp(item.get("rollbackPointTimestamp", _MISSING), f"{where}.rollbackPointTimestamp")
    index = fields.text(item.get("index", _MISSING), f"{where}.index", number_too=True)
    return PreviousRecovery(index=index, point=point or Timestamp(raw=""))


class FieldReader:
    """Takes a value for what its field is published to be, or leaves it out and notes what is odd.

    A field that is absent or null is not odd: nothing says that all of them are always there.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self.oddities: list[str] = []

    def odd(self, field: str, value: object) -> None:
        self.oddities.append(f"{field} is {_shown(value)}")

    def text(self, value: object, field: str, number_too: bool = False) -> str:
        """A text as it came, cut; a number that stands in its place is shown, and odd unless `number_too`."""
        if value is None or value is _MISSING:
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
        found = []
        for item in self._list(value, field):
            if isinstance(item, dict):
                found.append(item)
            else:
                self.odd(f"an item of {field}", item)
        return found

    def table(self, value: object, field: str) -> dict[str, Any]:
        if value is None or value is _MISSING:
            return {}
        if isinstance(value, dict):
            return value
        self.odd(field, value)
        return {}

    def _list(self, value: object, field: str) -> list[Any]:
        if value is None or value is _MISSING:
            return []
        if not isinstance(value, list):
            self.odd(field, value)
            return []
        if len(value) > MOST:
            self.oddities.append(f"{field} has {len(value)} items, of which the first {MOST} are shown")
        return value[:MOST]

    def number(self, value: object, field: str) -> float | None:
        if value is None or value is _MISSING:
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
            self.oddities.append(
                f"{field} is {brief(str(value))}, which is no likely time in the unit"
                f' "{self._unit}" of the settings'
            )
            return None
        return instant


def _contradictions(status: PitrStatus) -> list[str]:
    """Fields that cannot all be true; each is shown as it came."""
    found = []
    total, remaining, recovered = status.total_bytes, status.remaining_bytes, status.recovered_bytes
    if total is not None and remaining is not None and recovered is not None:
        if abs(remaining + recovered - total) > total * _APART:
            found.append("remainingDataKB and recoveredDataKB do not add up to totalDataKB")
    if total and recovered is not None and status.progress is not None:
        share = 100 * recovered / total
        if abs(share - status.progress) > 100 * _APART:
            found.append(
                f"progress is {status.progress:g}, though recoveredDataKB is {share:.0f} % of totalDataKB"
            )
    if status.step == COMPLETE and status.progress is not None and status.progress < 100:
        found.append(f"progress is {status.progress:g} at the step {COMPLETE}")
    if status.step and status.steps and status.step not in status.steps:
        found.append(f"currentStep is {quoted(status.step)}, which is none of the steps")
    return found


def _kept(text: str) -> str:
    """A text that can be stored and sent: lone halves of surrogate pairs cannot."""
    return brief(text.encode("utf-8", "replace").decode("utf-8"), LONGEST)


def _shown(value: object) -> str:
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
