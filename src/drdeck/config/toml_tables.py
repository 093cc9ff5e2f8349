"""Reading scenarios and lessons: TOML turned into structs, or refused with place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_args

import msgspec

from drdeck.model.text import quoted
from drdeck.private_files import Unreadable

from . import toml_places, toml_reader

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)
_TIME = 'a time such as "2026-01-16T22:00:00Z"'
Kind = type[msgspec.Struct]


class TomlFault(NamedTuple):
    """A message of msgspec's, taken apart. `types`: the one expected, and the one in the file."""

    text: str
    path: toml_places.Place
    unknown: str | None = None
    missing: str | None = None
    types: tuple[str, str] | None = None


def fault_of(message: str) -> TomlFault:
    """The parts of the message of a ValidationError."""
    match = _AT.match(message)
    assert match is not None
    text, path = match["what"], toml_places.path_of(match["path"] or "$")
    unknown = re.search(r"unknown field `(.*)`", text, re.DOTALL)
    missing = re.search(r"missing required field `(.+)`", text)
    types = re.search(r"Expected `([^`]+)`, got `([^`]+)`", text)
    return TomlFault(
        text,
        path,
        unknown[1] if unknown else None,
        missing[1] if missing else None,
        (types[1].removesuffix(" | null"), types[2]) if types else None,
    )


def alike(key: str, names: Iterable[str]) -> str | None:
    """The name that a mistyped key is most like, if it is like any."""
    import difflib  # only what is refused needs it

    return next(iter(difflib.get_close_matches(key[:100], list(names), n=1)), None)


class TomlTables(msgspec.Struct, frozen=True):
    """The tables of one sort of file, and the words in which its errors speak.

    `tables`: the struct of each table by its key, that of the file by "". `tagged`: those of which the
    key "kind" says the struct. `expected` and `got`: types in words. `guesses`: an unknown key is answered
    with the one that is like it.
    """

    tables: Mapping[str, Kind]
    expected: Mapping[str, str]
    got: Mapping[str, str]
    tagged: Mapping[str, tuple[Kind, ...]] = {}
    guesses: bool = False

    def read(self, text: str, source: str, refusal: type[Exception]) -> Any:
        """The struct of the whole file; `source` is the file that errors name. Raises `refusal`."""
        try:
            data = toml_reader.parse(text)
        except toml_reader.Impossible as error:
            raise refusal(toml_places.sentence(source, text, error.place, str(error))) from None
        except Unreadable as error:
            raise refusal(f"{source}: is not TOML that can be read: {error}") from None
        try:
            return msgspec.convert(data, self.tables[""])
        except msgspec.ValidationError as error:
            raise refusal(toml_places.sentence(source, text, *self._explained(str(error), data))) from None

    def _explained(self, message: str, data: dict[str, Any]) -> tuple[toml_places.Place, str]:
        """(place, what is wrong and the remedy) of a message of msgspec's."""
        fault = fault_of(message)
        path, what = fault.path, fault.text
        if fault.unknown is not None:
            remedy = self._remedy(fault.unknown, path, data)
            return (*path, fault.unknown), f"there is no such key here; {remedy}"
        if fault.missing is not None:
            return path, f"{fault.missing} is missing; add it"
        if fault.types is not None:
            right, got = fault.types
            words = _TIME if right == "datetime" else self.expected.get(right, right)
            return path, f"must be {words}, not {self.got.get(got, got)}"
        value = toml_places.value_at(data, path)
        choices = self._choices(path, data)
        if choices:
            return path, f"{quoted(value)} is not known; write one of {', '.join(choices)}"
        if "datetime" in what or "RFC3339" in what:
            return path, f'{quoted(str(value))} is not a time; write it like "2026-01-16T22:00:00Z"'
        return path, f"{quoted(value)} cannot be used here: {what[:1].lower()}{what[1:]}"

    def _remedy(self, key: str, path: toml_places.Place, data: dict[str, Any]) -> str:
        names = [item.encode_name for item in self._fields(path, data)]
        if not self.guesses:
            return f"known are {', '.join(names)}"
        if _table(path) in self.tagged:
            names.insert(0, "kind")
        close = alike(key, names)
        return f'"{close}" would be right' if close else f"known here are {', '.join(names)}"

    def _fields(self, path: toml_places.Place, data: dict[str, Any]) -> tuple[msgspec.structs.FieldInfo, ...]:
        """The keys that the table at a path can have."""
        kinds = self.tagged.get(_table(path))
        if kinds is None:
            return msgspec.structs.fields(self.tables.get(_table(path), self.tables[""]))
        tag = (toml_places.value_at(data, path) or {}).get("kind")
        return msgspec.structs.fields(next((k for k in kinds if k.__struct_config__.tag == tag), kinds[0]))

    def _choices(self, path: toml_places.Place, data: dict[str, Any]) -> tuple[str, ...]:
        """The values that the key at a path can take, when it can take only some."""
        key, kinds = path[-1] if path else "", self.tagged.get(_table(path[:-1]))
        if key == "kind" and kinds:
            return tuple(str(kind.__struct_config__.tag) for kind in kinds)
        for item in self._fields(path[:-1], data):
            if item.encode_name == key:
                for kind in (item.type, *get_args(item.type)):
                    members = getattr(kind, "__members__", None)
                    if members:
                        return tuple(str(member) for member in members.values())
                return tuple(value for value in get_args(item.type) if isinstance(value, str))
        return ()


def _table(path: toml_places.Place) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")
