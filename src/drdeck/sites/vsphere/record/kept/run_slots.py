"""Runs of failover plans in custom attributes: the notes at the root folder, a mark at each domain's. Pure.

A value may need several attributes, which vCenter writes one by one. So it is written to the one of two slots
that does not count, with a higher number: whoever dies in between leaves the other one as it was.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.sites.vsphere.record.attribute_names import MAX_PARTS, MAX_VALUE, RUN, RUN_BESIDE
from drdeck.sites.vsphere.record.attributes import part_name
from drdeck.sites.vsphere.record.packed_ids import TEXT_MARK, pack_text, unpack_text

_SLOTS = RUN, RUN_BESIDE
_Kept = TypeVar("_Kept", "KeptNotes", "KeptMarks")


class KeptNotes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of the root folder; `by`: id of a run -> who drives it, as leases name controllers."""

    n: Annotated[int, msgspec.Meta(ge=0)] = 0
    notes: tuple[RunNote, ...] = ()
    by: dict[str, str] = {}


class KeptMarks(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a domain's folder: a mark for each run that names the domain, if only as not possible."""

    n: Annotated[int, msgspec.Meta(ge=0)] = 0
    marks: tuple[RunMark, ...] = ()


def read_notes(attributes: Mapping[str, str]) -> KeptNotes:
    """The notes at a root folder; none where nothing readable is there: anybody may edit attributes."""
    return max((_read(attributes, slot, KeptNotes) for slot in _SLOTS), key=lambda kept: kept.n)


def read_marks(attributes: Mapping[str, str]) -> tuple[RunMark, ...]:
    """The marks at a domain's folder."""
    return max((_read(attributes, slot, KeptMarks) for slot in _SLOTS), key=lambda kept: kept.n).marks


def with_notes(
    attributes: Mapping[str, str], notes: tuple[RunNote, ...], by: dict[str, str]
) -> dict[str, str]:
    """The attributes to change, in order, so that a root folder has these notes. Raises ValueError."""
    return _written(attributes, KeptNotes, notes=notes, by=by)


def with_marks(attributes: Mapping[str, str], marks: tuple[RunMark, ...]) -> dict[str, str]:
    """The attributes to change, in order, so that a domain's folder has these marks. Raises ValueError."""
    return _written(attributes, KeptMarks, marks=marks) if marks else without(attributes)


def without(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes to empty, so that nothing of any run is left in a folder; what counts goes last."""
    numbers = {slot: _read(attributes, slot, KeptNotes).n for slot in _SLOTS}
    return {
        name: ""
        for slot in sorted(_SLOTS, key=lambda name: numbers[name])
        for name in sorted(attributes)
        if _is_part(name, slot)
    }


def _is_part(name: str, slot: str) -> bool:
    return name == slot or (name.startswith(f"{slot}.") and name.removeprefix(f"{slot}.").isdigit())


def _read(attributes: Mapping[str, str], slot: str, kind: type[_Kept]) -> _Kept:
    parts = (attributes.get(part_name(slot, i), "") for i in range(MAX_PARTS))
    text = "".join(itertools.takewhile(bool, parts))
    try:
        if text.startswith(TEXT_MARK):
            text = unpack_text(text)
        return msgspec.json.decode(text, type=kind) if text else kind()
    except (ValueError, zlib.error, RecursionError):
        return kind()


def _written(attributes: Mapping[str, str], kind: type[_Kept], **fields: Any) -> dict[str, str]:
    numbers = {name: _read(attributes, name, kind).n for name in _SLOTS}
    slot = min(_SLOTS, key=lambda name: numbers[name])
    text = msgspec.json.encode(kind(n=max(numbers.values()) + 1, **fields)).decode()
    if len(text) > MAX_VALUE:
        text = pack_text(text)
    parts = [text[i : i + MAX_VALUE] for i in range(0, len(text), MAX_VALUE)]
    if len(parts) > MAX_PARTS:
        raise ValueError(f"{slot} would need {len(text)} characters; {MAX_VALUE * MAX_PARTS} fit")
    emptied = {name: "" for i in range(len(parts), MAX_PARTS) if attributes.get(name := part_name(slot, i))}
    return {**emptied, **{part_name(slot, i): part for i, part in enumerate(parts)}}
