"""Reading lessons from TOML, and saying what is wrong with one: where, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import get_args

from drdeck.config import toml_places
from drdeck.config.toml_tables import TomlTables
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
    courses = [parse(entry.read_text("utf-8"), entry.name) for entry in files]
    return tuple(sorted(courses, key=lambda course: (course.lesson.number, course.lesson.name)))


def scenario_names() -> tuple[str, ...]:
    """Names of the scenarios that come with drdeck."""
    return scenarios.shipped()


def find(words: str) -> Course:
    """A lesson by its number or name, or from a TOML file. Raises LessonError."""
    if words.endswith(".toml") or "/" in words:
        return load(Path(words))
    courses = shipped()
    for course in courses:
        if words in (str(course.lesson.number), course.lesson.name):
            return course
    choices = ", ".join(f"{c.lesson.number} ({c.lesson.name})" for c in courses)
    raise spec.LessonError(f'there is no lesson "{words}"; take one of {choices}, or a TOML file')


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
    lesson: spec.Lesson = _TABLES.read(text, source, spec.LessonError)
    name = lesson.scenario
    if name.endswith(".toml") or "/" in name:
        name = str(((base or Path()) / Path(name).expanduser()).resolve())
    try:
        scenario = scenarios.load(name)
    except ScenarioError as error:
        raise spec.LessonError(toml_places.sentence(source, text, ("scenario",), str(error))) from None
    flaw = problem(lesson, scenario)
    if flaw is not None:
        raise spec.LessonError(toml_places.sentence(source, text, *flaw))
    return Course(lesson, scenario, name, ground_of(scenario))


_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text in quotes", "bool": "true or false",
    "array": "a list of tables", "object": "a table", "datetime": 'a time such as "2026-01-16T22:00:00Z"',
}  # fmt: skip
_TABLES = TomlTables(
    tables={"": spec.Lesson, "objectives": spec.Objective, "drop": spec.Drop},
    tagged={"when": get_args(spec.When), "mistakes": get_args(spec.AnyMistake)},
    expected=_WORDS,
    got=_WORDS,
    guesses=True,
)
