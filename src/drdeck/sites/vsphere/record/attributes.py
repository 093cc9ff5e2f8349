"""Memory of a domain in its folder's custom attributes, read with suspicion: anybody may edit them.

Every value is small JSON of at most 255 characters; longer lists go on in "NAME.2", "NAME.3", ... vCenter
sets one attribute at a time (API reference: CustomFieldsManager.SetField), so a list of several is written
anew beside the old one, and then its first attribute tells where it goes on (`in_order`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from drdeck.model.domains import Period, SessionState
from drdeck.model.text import brief, clean

from .attribute_names import (
    ABSENT,
    ASKED,
    COMMITTED,
    ENTERING,
    EXCLUDED,
    FAILOVER,
    LEFT_OUT,
    MAX_PARTS,
    MAX_VALUE,
    MODE,
    NETWORKS,
    PITR,
    POWER_OFF,
    RELEASE,
    REMAP,
    RESTORED,
    ROLLBACK,
    ROLLBACK_VMS,
    SESSION,
    SESSION_VMS,
    SHUTDOWN,
    SKIPPED,
    SYNCED,
    TESTED,
    TOOL,
    TRIAL,
    TRIAL_DETACH,
    TRIAL_LEFT,
    TRIAL_NETWORKS,
    TRIAL_TOOL,
    TRIAL_VMS,
    UNDO,
    WITHOUT,
)
from .domain_record import Record
from .packed_ids import MARK, TEXT_MARK, pack, pack_text, unpack, unpack_text
from .packed_periods import NEWEST, OLDEST, unpack_periods
from .record_values import (
    MAX_ASKER,
    Askers,
    CloneRecord,
    CommittedRecord,
    EnteringRecord,
    FailoverRecord,
    ModeRecord,
    PitrRecord,
    ReleaseRecord,
    RemapRecord,
    RestoredRecord,
    RollbackRecord,
    SessionRecord,
    ShutdownRecord,
    SyncedRecord,
    TestedRecord,
    ToolRecord,
    TrialRecord,
    UndoRecord,
)

_Read = TypeVar("_Read")

_PLAIN_PARTS = 8
"""Lists of ids that are longer in JSON are packed."""
_WHOLE = re.compile(r"%([0-9]+),([0-9]+):")
"""The beginning of a first attribute that tells in which part its list goes on, and for how many."""


class BrokenRecord(ValueError):
    """An attribute that makes no sense; the text says which, what it reads, and what to do."""


def read(attributes: Mapping[str, str]) -> Record:
    """The record in a folder's attributes. Raises BrokenRecord."""
    record = Record(
        mode=_value_of(attributes, MODE, ModeRecord),
        synced=_value_of(attributes, SYNCED, SyncedRecord),
        shutdown=_value_of(attributes, SHUTDOWN, ShutdownRecord),
        entering=_value_of(attributes, ENTERING, EnteringRecord),
        tool=_value_of(attributes, TOOL, ToolRecord),
        remap=_value_of(attributes, REMAP, RemapRecord),
        undo=_value_of(attributes, UNDO, UndoRecord),
        committed=_value_of(attributes, COMMITTED, CommittedRecord),
        restored=_value_of(attributes, RESTORED, RestoredRecord),
        release=_value_of(attributes, RELEASE, ReleaseRecord),
        trial=_value_of(attributes, TRIAL, TrialRecord),
        tested=_value_of(attributes, TESTED, TestedRecord),
        trial_tool=_value_of(attributes, TRIAL_TOOL, ToolRecord),
        clones=_many(attributes, TRIAL_VMS, dict[str, CloneRecord], {}),
        trial_networks=_many(attributes, TRIAL_NETWORKS, dict[str, str], {}),
        detach=_many(attributes, TRIAL_DETACH, tuple[str, ...], ()),
        left=_many(attributes, TRIAL_LEFT, dict[str, str], {}),
        failover=_value_of(attributes, FAILOVER, FailoverRecord),
        session=_value_of(attributes, SESSION, SessionRecord),
        rollback=_value_of(attributes, ROLLBACK, RollbackRecord),
        pitr=_value_of(attributes, PITR, PitrRecord) or PitrRecord(),
        excluded=_excluded(attributes.get(EXCLUDED, "")),
        networks=_many(attributes, NETWORKS, dict[str, str], {}),
        session_vms=_many(attributes, SESSION_VMS, tuple[str, ...], ()),
        rollback_vms=_many(attributes, ROLLBACK_VMS, tuple[str, ...], ()),
        skipped=_many(attributes, SKIPPED, tuple[str, ...], ()),
        left_out=_many(attributes, LEFT_OUT, tuple[str, ...], ()),
        without=_many(attributes, WITHOUT, tuple[str, ...], ()),
        power_off=_many(attributes, POWER_OFF, tuple[str, ...], ()),
        absent=_many(attributes, ABSENT, dict[str, bool], {}),
        askers=_decoded(ASKED, attributes.get(ASKED) or "{}", Askers),
    )
    session = record.session
    if session is not None and session.state is not SessionState.WAITING and session.started is None:
        raise _broken(SESSION, attributes[SESSION], "an active session needs the time it started at")
    if session is not None and session.state is SessionState.ROLLING_BACK and record.rollback is None:
        raise _broken(ROLLBACK, "", "a rollback is under way, but there is no record of it")
    if session is not None and not record.owned:
        raise _broken(FAILOVER, attributes.get(FAILOVER, ""), "a PITR session needs a failover before it")
    return record


def write(value: msgspec.Struct) -> str:
    """The text of an attribute for one of the records above."""
    text = msgspec.json.encode(value).decode()
    if len(text) > MAX_VALUE:
        raise ValueError(f"the record {text[:40]}... has {len(text)} characters; {MAX_VALUE} fit")
    return text


def write_many(name: str, value: object) -> dict[str, str]:
    """Attributes that hold a list or mapping, cut to fit; parts not used are emptied."""
    text = msgspec.json.encode(value).decode() if value else ""
    if isinstance(value, tuple) and len(text) > MAX_VALUE * _PLAIN_PARTS:
        text = pack(value) or text
    elif len(text) > MAX_VALUE * _PLAIN_PARTS:
        text = pack_text(text)
    parts = [text[i : i + MAX_VALUE] for i in range(0, len(text), MAX_VALUE)]
    if len(parts) > MAX_PARTS:
        raise ValueError(f"{name} would need {len(text)} characters; {MAX_VALUE * MAX_PARTS} fit")
    return {part_name(name, i): parts[i] if i < len(parts) else "" for i in range(MAX_PARTS)}


def in_order(changes: Mapping[str, str], attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """The writes for changes of `attributes`, one after another: after each of them every list reads as it
    was or as it will be. Only one that has no room beside the old one is written over it."""
    writes = list[tuple[str, str]]()
    lists = {name for name in changes if _part_names(name)[1] in changes and not _WHOLE.match(changes[name])}
    further = {part for name in lists for part in _part_names(name)[1:]}
    for name, value in changes.items():
        if name in lists:
            text = "".join(changes.get(part, "") for part in _part_names(name))
            writes += _of_a_list(name, text, attributes)
        elif name not in further:
            writes.append((name, value))
    standing, needed = dict(attributes), list[tuple[str, str]]()
    for name, value in writes:
        if standing.get(name, "") != value:
            needed.append((name, value))
        standing[name] = value
    return needed


def _of_a_list(name: str, text: str, attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    parts = _part_names(name)
    old = [part for part in parts[1:] if attributes.get(part)]
    if text == _text_of(attributes, name) and (text or not old):
        return []
    if not old and len(text) <= MAX_VALUE:
        return [(name, text)]
    at, count = _further_parts(attributes, name)
    plain = not _WHOLE.match(attributes.get(name, ""))
    size = MAX_VALUE - len(f"%{MAX_PARTS},{MAX_PARTS}:")
    rest = [text[i : i + MAX_VALUE] for i in range(size, len(text), MAX_VALUE)]
    # a plain list ends at the first part that is not there
    start = at + count + 1 if plain else 1 if len(rest) < at else at + count
    if start + len(rest) > MAX_PARTS:
        over = [text[i : i + MAX_VALUE] for i in range(0, len(text), MAX_VALUE)]
        return [(part, over[i] if i < len(over) else "") for i, part in enumerate(parts)]
    beside = [(parts[start + i], piece) for i, piece in enumerate(rest)]
    head = [(name, f"%{start},{len(rest)}:{text[:size]}")]
    if rest:
        return [*beside, *head]  # what was read before is left: the next writing may go over it
    return [*head, *((part, "") for part in old), (name, text)]


def _further_parts(attributes: Mapping[str, str], name: str) -> tuple[int, int]:
    """The number of the part in which a list goes on, and of how many."""
    whole = _WHOLE.match(attributes.get(name, ""))
    if whole is not None:
        return int(whole[1]), int(whole[2])
    parts = _part_names(name)
    count = next((i for i in range(1, MAX_PARTS) if not attributes.get(parts[i])), MAX_PARTS) - 1
    return 1, count


def _text_of(attributes: Mapping[str, str], name: str) -> str:
    """The text of a list out of all its attributes."""
    head, parts = attributes.get(name, ""), _part_names(name)
    at, count = _further_parts(attributes, name)
    whole = _WHOLE.match(head)
    return head[whole.end() if whole else 0 :] + "".join(
        attributes.get(p, "") for p in parts[at : at + count]
    )


def write_askers(askers: Mapping[str, str]) -> str:
    """Askers of operations, the newest last; of more than fit the oldest are left out."""
    kept = [(ident, brief(clean(who), MAX_ASKER)) for ident, who in askers.items()]
    while True:
        text = msgspec.json.encode(dict(kept)).decode()
        if len(text) <= MAX_VALUE:
            return text
        del kept[0]


def part_name(name: str, index: int) -> str:
    return name if index == 0 else f"{name}.{index + 1}"


@functools.cache
def _part_names(name: str) -> tuple[str, ...]:
    """The names of all its parts; each record is read with thousands of them."""
    return tuple(part_name(name, index) for index in range(MAX_PARTS))


def _value_of(attributes: Mapping[str, str], name: str, kind: Any) -> Any:
    text = attributes.get(name, "")
    if not text:
        return None
    value = _decoded(name, text, kind)
    for field in value.__struct_fields__:
        instant = getattr(value, field)
        if isinstance(instant, datetime) and not OLDEST <= instant <= NEWEST:
            raise _broken(name, text, f"{instant.year} is no year of ours")
    return value


def _many(attributes: Mapping[str, str], name: str, kind: Any, empty: Any) -> Any:
    text = _text_of(attributes, name)
    if text.startswith(MARK) and kind == tuple[str, ...]:
        try:
            return unpack(text)
        except ValueError as error:
            raise _broken(name, text, str(error)) from None
    if text.startswith(TEXT_MARK):
        try:
            text = unpack_text(text)
        except ValueError as error:
            raise _broken(name, text, str(error)) from None
    return _decoded(name, text, kind) if text else empty


def _decoded(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _broken(name, text, str(error)) from None


def _excluded(text: str) -> tuple[Period, ...]:
    try:
        return unpack_periods(text)
    except ValueError as error:
        raise _broken(EXCLUDED, text, str(error)) from None


def _broken(name: str, text: str, why: str) -> BrokenRecord:
    return BrokenRecord(
        f'the custom attribute {name} of its folder holds "{text[:60]}", which makes no sense ({why});'
        " put its value right in vCenter, or clear it"
    )


class AttributeCache(Generic[_Read]):
    """Values by the folder's id, each read once, by `read`, for each change of its folder's attributes."""

    def __init__(self, read: Callable[[Mapping[str, str]], _Read]) -> None:
        self._read = read
        self._values: dict[str, tuple[Mapping[str, str], _Read]] = {}

    def of(self, folder: str, attributes: Mapping[str, str]) -> _Read:
        """The value that a folder's attributes hold. Raises what `read` raises."""
        last = self._values.get(folder)
        if last is None or (last[0] is not attributes and last[0] != attributes):
            last = self._values[folder] = (attributes, self._read(attributes))
        return last[1]

    def keep(self, folders: Collection[str]) -> None:
        """Forget those of folders that are not among these."""
        self._values = {folder: value for folder, value in self._values.items() if folder in folders}


class RecordCache(AttributeCache[Record]):
    """The records of domains. Asking for one raises BrokenRecord where it makes no sense."""

    def __init__(self) -> None:
        super().__init__(read)
