"""Lists of VM ids, and texts, packed, so that any number of VMs fits the attributes of a folder."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable

TEXT_MARK = "^"
"""The first character of packed JSON."""
MARK = "~"
"""The first character of a packed list; a list in JSON begins with a bracket."""
_MOST = 2_000_000
"""Bytes that a list may unpack to: some 400,000 VMs."""
_ID = re.compile(r"([A-Za-z-]*)([1-9][0-9]{0,17})")


def pack(ids: Iterable[str]) -> str | None:
    """The ids in any order as text: differences of their numbers, compressed. None where they have no common
    form of a prefix and a number."""
    parts = [_ID.fullmatch(ident) for ident in ids]
    prefixes = {part[1] for part in parts if part is not None}
    if len(prefixes) != 1 or None in parts:
        return None
    numbers = sorted(int(part[2]) for part in parts if part is not None)
    steps = [b - a for a, b in zip([0, *numbers], numbers, strict=False)]
    packed = zlib.compress(b"".join(_varint(step) for step in steps), 9)
    return f"{MARK}{prefixes.pop()}:{base64.b64encode(packed).decode()}"


def unpack(text: str) -> tuple[str, ...]:
    """The ids of a packed list, by number. Raises ValueError."""
    prefix, _, packed = text.removeprefix(MARK).partition(":")
    steps = _inflated(packed)
    if steps and steps[-1] & 0x80:
        raise ValueError("is cut off, or too long")
    numbers, at, step, shift = [], 0, 0, 0
    for byte in steps:  # seven bits each, the lowest first; the last one of a number has no eighth
        step |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            at += step
            numbers.append(at)
            step = shift = 0
    return tuple(f"{prefix}{number}" for number in numbers)


def pack_text(text: str) -> str:
    """A text that is long, such as names, as a shorter one."""
    return TEXT_MARK + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack_text(text: str) -> str:
    """The text that was packed. Raises ValueError."""
    return _inflated(text.removeprefix(TEXT_MARK)).decode()


def _inflated(packed: str) -> bytes:
    """The bytes behind packed text. Raises ValueError."""
    unpacking = zlib.decompressobj()
    try:
        inflated = unpacking.decompress(base64.b64decode(packed, validate=True), _MOST)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"is no packed list: {error}") from None
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("is cut off, or too long")
    return inflated


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
