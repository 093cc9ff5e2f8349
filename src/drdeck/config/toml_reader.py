"""TOML that a person wrote, read so that no text of it can hold up or break whoever reads it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from drdeck.model.text import brief
from drdeck.private_files import Unreadable

from .toml_places import Place

DEEPEST = 40
"""Tables in tables that are read; a settings file has five."""
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"""(?<![A-Za-z0-9_"'-])(?:{_PART}[ \t]*\.[ \t]*){{{DEEPEST},}}""")
"""The time that tomllib takes grows with the square of a key's parts."""
_LONG_NUMBER = re.compile(r"[0-9a-fA-F_]{1000}")
_MOST = 2**63
"""Whole numbers of more than 64 bits mean nothing anywhere, and not every library takes them."""


class Impossible(Unreadable):
    """A value that no key can have; `place` is where it stands."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place


def parse(text: str) -> dict[str, Any]:
    """The tables in a text. Raises Unreadable for what is no TOML, Impossible for what nobody means."""
    long_key = _LONG_KEY.search(text)
    if long_key is not None:
        line = text.count("\n", 0, long_key.start()) + 1
        raise Unreadable(f"a key has more than {DEEPEST} parts (at line {line})")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(brief(str(error), 200)) from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except ValueError:
        long = next((n for n, line in enumerate(text.splitlines(), 1) if _LONG_NUMBER.search(line)), None)
        raise Unreadable("a number is too long" + (f" (at line {long})" if long else "")) from None
    _check(data)
    return data


def _check(data: Any) -> None:
    rest: list[tuple[Place, Any]] = [((), data)]
    while rest:
        place, value = rest.pop()
        if len(place) > DEEPEST:
            raise Impossible(place[:3], "is nested too deep")
        if isinstance(value, dict):
            for key, inner in value.items():
                if "\0" in key:
                    raise Impossible(place, "a key has a NUL character; take it out")
                rest.append(((*place, key), inner))
        elif isinstance(value, list):
            rest.extend(((*place, number), inner) for number, inner in enumerate(value))
        elif isinstance(value, str) and "\0" in value:
            raise Impossible(place, "the text has a NUL character; take it out")
        elif isinstance(value, int) and not -_MOST <= value < _MOST:
            raise Impossible(place, "the number is out of range")
