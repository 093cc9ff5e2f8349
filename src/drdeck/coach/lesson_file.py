"""Reading lessons from TOML, and saying what is wrong with one: where, and what would be right."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import msgspec

from drdeck.config import toml_places, toml_reader
from drdeck.model.text import quoted
from drdeck.private_files import Unreadable, read_text
from drdeck.sites.training.scenario import scenario_file as scenarios
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioError

from . import lesson as spec
from .lesson_checks import problem
from .scenario_truth import Ground, ground_of


@dataclass(frozen=True)
class Course:
    """A lesson with the scenario that it is played in. `scenario_source`: as the settings take it."""

    lesson: spec.Lesson
    scenario: Scenario
    scenario_source: str
    ground: Ground


def shipped() -> tuple[Course, ...]:
    """The lessons that come with drdeck, by number."""
    folder = resources.files(__package__) / "lessons"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    found = [parse(entry.read_text("utf-8"), entry.name) for entry in files]
    return tuple(sorted(found, key=lambda course: (course.lesson.number, course.lesson.name)))


def find(words: str) -> Course:
    """A lesson by its number or name, or from a TOML file. Raises LessonError."""
    if words.endswith(".toml") or "/" in words:
        return load(Path(words))
    courses = shipped()
    for course in courses:
        if words in (str(course.lesson.number), course.lesson.name):
            return course
    known = ", ".join(f"{c.lesson.number} ({c.lesson.name})" for c in courses)
    raise spec.LessonError(f'there is no lesson "{words}"; take one of {known}, or a TOML file')


def load(path: Path) -> Course:
    """A lesson from a file; a scenario's file is meant from where the lesson's stands."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise spec.LessonError(f"{path}: cannot be read: there is no such file") from None
    except Unreadable as error:
        raise spec.LessonError(f"{path}: {error}") from None
    return parse(text, str(path), path.parent)


def parse(text: str, source: str = "lesson", base: Path | None = None) -> Course:
    """A lesson from TOML text; `source` is the file that errors name. Raises LessonError."""
    try:
        data = toml_reader.parse(text)
    except toml_reader.Impossible as error:
        raise spec.LessonError(toml_places.sentence(source, text, error.place, str(error))) from None
    except Unreadable as error:
        raise spec.LessonError(f"{source}: is not TOML that can be read: {error}") from None
    try:
        lesson = msgspec.convert(data, spec.Lesson)
    except msgspec.ValidationError as error:
        raise spec.LessonError(toml_places.sentence(source, text, *_explained(str(error), data))) from None
    name = lesson.scenario
    if name.endswith(".toml") or "/" in name:
        name = str(((base or Path()) / Path(name).expanduser()).resolve())
    try:
        scenario = scenarios.load(name)
    except ScenarioError as error:
        raise spec.LessonError(toml_places.sentence(source, text, ("scenario",), str(error))) from None
    found = problem(lesson, scenario)
    if found is not None:
        raise spec.LessonError(toml_places.sentence(source, text, *found))
    return Course(lesson, scenario, name, ground_of(scenario))


_TAGGED: dict[str, tuple[type[spec.LessonStruct], ...]] = {
    "when": get_args(spec.When),
    "mistakes": get_args(spec.AnyMistake),
}
_TABLES: dict[str, type[spec.LessonStruct]] = {
    "": spec.Lesson,
    "objectives": spec.Objective,
    "drop": spec.Drop,
}
_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text in quotes", "bool": "true or false",
    "array": "a list of tables", "object": "a table", "datetime": 'a time such as "2026-01-16T22:00:00Z"',
}  # fmt: skip


def _explained(message: str, data: dict[str, Any]) -> tuple[toml_places.Path, str]:
    """(where, what and remedy) of a message of msgspec's."""
    what, _, where = message.partition(" - at ")
    path = toml_places.path_of(where.strip("`") or "$")
    unknown = re.search(r"unknown field `(.*)`", what, re.DOTALL)
    if unknown:
        known = _keys(path, data)
        close = difflib.get_close_matches(unknown[1][:100], known, n=1)
        remedy = f'"{close[0]}" would be right' if close else f"known here are {', '.join(known)}"
        return (*path, unknown[1]), f"there is no such key here; {remedy}"
    missing = re.search(r"missing required field `(.+)`", what)
    if missing:
        return path, f"{missing[1]} is missing; add it"
    expected = re.search(r"Expected `([^`]+)`, got `([^`]+)`", what)
    if expected:
        wanted = expected[1].removesuffix(" | null")
        return path, f"must be {_WORDS.get(wanted, wanted)}, not {_WORDS.get(expected[2], expected[2])}"
    value = toml_places.value_at(data, path)
    if path and path[-1] == "kind":
        tags = [str(kind.__struct_config__.tag) for kind in _TAGGED.get(_table(path[:-1]), ())]
        return path, f"{quoted(value)} is not known; write one of {', '.join(tags)}"
    choices = _choices(path, data)
    if choices:
        return path, f"{quoted(value)} is not known; write one of {', '.join(choices)}"
    if "RFC3339" in what:
        return path, f'{quoted(str(value))} is not a time; write it like "2026-01-16T22:00:00Z"'
    return path, f"{quoted(value)} cannot be used here: {what[:1].lower()}{what[1:]}"


def _table(path: toml_places.Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _fields(path: toml_places.Path, data: dict[str, Any]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The keys that the table at a path can have."""
    table = _table(path)
    kinds = _TAGGED.get(table)
    if kinds is None:
        return msgspec.structs.fields(_TABLES.get(table, spec.Lesson))
    tag = (toml_places.value_at(data, path) or {}).get("kind")
    kind = next((one for one in kinds if one.__struct_config__.tag == tag), kinds[0])
    return msgspec.structs.fields(kind)


def _keys(path: toml_places.Path, data: dict[str, Any]) -> list[str]:
    keys = [field.encode_name for field in _fields(path, data)]
    return ["kind", *keys] if _table(path) in _TAGGED else keys


def _choices(path: toml_places.Path, data: dict[str, Any]) -> tuple[str, ...]:
    for field in _fields(path[:-1], data):
        if path and field.encode_name == path[-1]:
            kinds = [field.type, *get_args(field.type)]
            for kind in kinds:
                members = getattr(kind, "__members__", None)
                if members:
                    return tuple(str(member) for member in members.values())
            return tuple(value for value in get_args(field.type) if isinstance(value, str))
    return ()
