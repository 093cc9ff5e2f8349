"""The answer of `pitrstatus`, read leniently: what is absent or odd is left out, and said.

The published sample contradicts itself (sizes that do not add up, a progress that none of them gives), so
nothing here is computed from other fields; the unit of its timestamps is not published.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.text import quoted

from .field_reader import ABSENT, FieldReader, Timestamp

COMPLETE = "COMPLETE"
"""The published name of the last step."""
_APART = 0.05
"""By so much of the whole, sizes or a progress may differ before that is a contradiction."""


class NotAnAnswer(ValueError):
    """It is not what the call is published to answer; the text says why, and goes on after the server."""


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
    """One answer. None and empty texts: not told. `oddities`: field -> a sentence without a full stop."""

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
    oddities: dict[str, str] = {}

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

    id: Any = ABSENT
    name: Any = ABSENT
    totalDataKB: Any = ABSENT
    remainingDataKB: Any = ABSENT
    recoveredDataKB: Any = ABSENT
    connectionStatus: Any = ABSENT
    progress: Any = ABSENT
    rollbackTimestamp: Any = ABSENT
    protectedVms: Any = ABSENT
    overview: Any = ABSENT
    criticalAlerts: Any = ABSENT
    previousRecoveries: Any = ABSENT


_decoder = msgspec.json.Decoder(_Answer)


def parse(data: bytes, unit: str = "raw") -> PitrStatus:
    """The status in an answer's body. `unit` of its timestamps: s, ms, us or raw. Raises NotAnAnswer."""
    answer = _decoded(data)
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
        steps=tuple(fields.texts(overview.get("steps", ABSENT), "overview.steps")),
        step=fields.text(overview.get("currentStep", ABSENT), "overview.currentStep"),
        alerts=tuple(_alert(fields, item) for item in fields.items(answer.criticalAlerts, "criticalAlerts")),
        recoveries=tuple(
            _recovery(fields, item) for item in fields.items(answer.previousRecoveries, "previousRecoveries")
        ),
    )
    return msgspec.structs.replace(status, oddities=fields.oddities | _contradictions(status))


def _decoded(data: bytes) -> _Answer:
    """The fields of a body. Raises NotAnAnswer."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        raise NotAnAnswer("is JSON, but no object with the published fields") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    try:  # halves of surrogate pairs, which a Java server may write, are refused there and taken here
        return msgspec.convert(json.loads(data), _Answer)
    except msgspec.ValidationError:
        raise NotAnAnswer("is JSON, but no object with the published fields") from None
    except (ValueError, RecursionError):
        start = data[:60].decode("utf-8", "replace").strip()
        kind = "HTML" if start.startswith("<") else "something else"
        raise NotAnAnswer(f"is {kind} in place of JSON") from None


def _vm(fields: FieldReader, item: dict[str, Any]) -> ApplianceVm:
    return ApplianceVm(
        **{key: fields.text(item.get(key, ABSENT), f"protectedVms.{key}") for key in _VM_FIELDS}
    )


_VM_FIELDS = ("id", "uuid", "name", "status")


def _alert(fields: FieldReader, item: dict[str, Any]) -> Alert:
    def text(key: str) -> str:
        return fields.text(item.get(key, ABSENT), f"criticalAlerts.{key}", number_too=key == "code")

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
    point = fields.timestamp(item.get("rollbackPointTimestamp", ABSENT), f"{where}.rollbackPointTimestamp")
    index = fields.text(item.get("index", ABSENT), f"{where}.index", number_too=True)
    return PreviousRecovery(index=index, point=point or Timestamp(raw=""))


def _contradictions(status: PitrStatus) -> dict[str, str]:
    """Fields that cannot all be true; each is shown as it came. No value that goes on is in a sentence."""
    contradictions = {}
    total, remaining, recovered = status.total_bytes, status.remaining_bytes, status.recovered_bytes
    if None not in (total, remaining, recovered) and _apart(total or 0, (remaining or 0) + (recovered or 0)):
        contradictions["sizes"] = "remainingDataKB and recoveredDataKB do not add up to totalDataKB"
    if total and recovered is not None and status.progress is not None:
        share = 100 * recovered / total
        if abs(share - status.progress) > 100 * _APART:
            contradictions["share"] = "progress is another than recoveredDataKB is of totalDataKB"
    if status.step == COMPLETE and status.progress is not None and status.progress < 100:
        contradictions["end"] = f"progress is not 100 at the step {COMPLETE}"
    if status.step and status.steps and status.step not in status.steps:
        contradictions["step"] = f"currentStep is {quoted(status.step)}, which is none of the steps"
    return contradictions


def _apart(total: int, parts: int) -> bool:
    return abs(parts - total) > total * _APART
