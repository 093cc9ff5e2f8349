"""Reading scenarios from TOML, and saying what is wrong with one: where, and what would be right."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from drdeck.config import toml_places, toml_reader
from drdeck.model.text import quoted
from drdeck.private_files import Unreadable, read_text

from .scenario_checks import problem
from .scenario_tables import (
    Scenario,
    ScenarioDomain,
    ScenarioError,
    ScenarioFault,
    ScenarioGroup,
    ScenarioIncident,
    ScenarioPitr,
    ScenarioStruct,
    ScenarioVm,
)


def shipped() -> tuple[str, ...]:
    """Names of the scenarios that come with drdeck."""
    folder = resources.files("drdeck.sites.training") / "scenarios"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load(source: str | Path) -> Scenario:
    """A scenario by its shipped name, or from a TOML file. Raises ScenarioError."""
    if isinstance(source, str) and source in shipped():
        text = (resources.files("drdeck.sites.training") / "scenarios" / f"{source}.toml").read_text("utf-8")
        return parse(text, f"{source}.toml")
    path = Path(source)
    try:
        text = read_text(path)
    except FileNotFoundError:
        if isinstance(source, str) and path.suffix != ".toml" and path.name == source:
            names = ", ".join(shipped())
            raise ScenarioError(
                f'there is no scenario "{source}"; name one of {names}, or a TOML file'
            ) from None
        raise ScenarioError(f"{path}: cannot be read: there is no such file") from None
    except Unreadable as error:
        raise ScenarioError(f"{path}: {error}") from None
    return parse(text, str(path))


def parse(text: str, source: str = "scenario") -> Scenario:
    """A scenario from TOML text; `source` is the file that errors name. Raises ScenarioError."""
    try:
        data = toml_reader.parse(text)
    except toml_reader.Impossible as error:
        raise ScenarioError(toml_places.sentence(source, text, error.place, str(error))) from None
    except Unreadable as error:
        raise ScenarioError(f"{source}: is not TOML that can be read: {error}") from None
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        path, what = _explained(str(error), data)
        raise ScenarioError(toml_places.sentence(source, text, path, what)) from None
    found = problem(scenario)
    if found is not None:
        raise ScenarioError(toml_places.sentence(source, text, *found))
    return scenario


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": 'text in quotes, like "this"',
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
    "datetime": 'a time such as "2026-01-16T22:00:00Z"',
    "datetime | null": 'a time such as "2026-01-16T22:00:00Z"',
}
_KINDS = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false",
          "array": "a list", "object": "a table"}  # fmt: skip
_TABLES: dict[str, type[ScenarioStruct]] = {
    "": Scenario, "domains": ScenarioDomain, "vms": ScenarioVm, "incidents": ScenarioIncident,
    "runbook": ScenarioGroup, "pitr": ScenarioPitr, "faults": ScenarioFault,
}  # fmt: skip


def _explained(message: str, data: dict[str, Any]) -> tuple[toml_places.Path, str]:
    """(where, what and remedy) of a message of msgspec's."""
    match = _AT.match(message)
    assert match is not None
    what, path = match["what"], toml_places.path_of(match["path"] or "$")
    unknown = re.search(r"unknown field `(.*)`", what, re.DOTALL)
    if unknown:
        names = [field.encode_name for field in _keys(path)]
        return (*path, unknown[1]), f"there is no such key here; known are {', '.join(names)}"
    missing = re.search(r"missing required field `(.+)`", what)
    if missing:
        return path, f"{missing[1]} is missing; add it"
    expected = _EXPECTED.search(what)
    if expected:
        wanted, got = expected["wanted"], expected["got"]
        return path, f"must be {_WORDS.get(wanted, wanted)}, not {_KINDS.get(got, got)}"
    value = toml_places.value_at(data, path)
    choices = toml_places.choices_of(_keys(path[:-1]), path)
    if choices:
        return path, f"{quoted(value)} is not known; write one of {', '.join(choices)}"
    if "datetime" in what or "RFC3339" in what:
        return path, f'{quoted(str(value))} is not a time; write it like "2026-01-16T22:00:00Z"'
    return path, f"{quoted(value)} cannot be used here: {what[:1].lower()}{what[1:]}"


def _keys(table: toml_places.Path) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The keys that the table at a path can have."""
    named = next((key for key in reversed(table) if isinstance(key, str)), "")
    return msgspec.structs.fields(_TABLES.get(named, Scenario))
