"""Reading scenarios from TOML, and saying what is wrong with one: where, and what would be right."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from drdeck.config import toml_places
from drdeck.config.toml_tables import TomlTables
from drdeck.private_files import Unreadable, read_text

from .scenario_checks import problem
from .scenario_expansion import written_out
from .scenario_tables import (
    Scenario,
    ScenarioDomain,
    ScenarioError,
    ScenarioFault,
    ScenarioGroup,
    ScenarioIncident,
    ScenarioPitr,
    ScenarioPlan,
    ScenarioVm,
    ScenarioWave,
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
    scenario: Scenario = _TABLES.read(text, source, ScenarioError)
    flaw = problem(scenario)
    if flaw is not None:
        raise ScenarioError(toml_places.sentence(source, text, *flaw))
    return written_out(scenario)


_TABLES = TomlTables(
    tables={
        "": Scenario, "domains": ScenarioDomain, "vms": ScenarioVm, "incidents": ScenarioIncident,
        "runbook": ScenarioGroup, "pitr": ScenarioPitr, "faults": ScenarioFault,
        "plans": ScenarioPlan, "waves": ScenarioWave,
    },
    expected={
        "int": "a whole number", "float": "a number", "str": 'text in quotes, like "this"',
        "bool": "true or false", "array": "a list in [ ]", "object": "a table",
    },
    got={
        "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false",
        "array": "a list", "object": "a table",
    },
)  # fmt: skip
