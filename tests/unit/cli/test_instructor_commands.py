"""The faults that an instructor may throw in are those of scenarios, and the help names each."""

from __future__ import annotations

from typing import get_type_hints

import click

from drdeck.cli.instructor_commands import inject
from drdeck.model.facts.fault_kinds import FAULT_KINDS, FaultKind
from drdeck.sites.training.scenario.scenario_tables import ScenarioFault


def test_one_list() -> None:
    (argument,) = (p for p in inject.params if isinstance(p, click.Argument))
    assert isinstance(argument.type, click.Choice) and tuple(argument.type.choices) == FAULT_KINDS
    assert get_type_hints(ScenarioFault)["kind"] == FaultKind


def test_the_help_names_each() -> None:
    assert [kind for kind in FAULT_KINDS if kind not in (inject.help or "")] == []
