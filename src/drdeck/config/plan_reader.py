"""Failover Plans read one by one, so that a refusal names the plan and what would be right."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from drdeck.model.plans.failover_plan import ALL, OTHERS, plan_of_marked
from drdeck.model.text import brief, quoted

from .server_checks import no_control_characters, span
from .settings import PlacesSettings, PlanSettings
from .table_reader import RIGHT, TableReader
from .toml_places import Place

LONGEST_PATIENCE_S = 7 * 86400.0
LONGEST_PATTERN = 200
RESERVED = (ALL, plan_of_marked(()).name)
"""Names of plans that are there without settings."""


def read_plans(reader: TableReader, path: Place, raw: Any, name_rule: str) -> dict[str, PlanSettings]:
    """The plans of a site, by name; a plan's name has what `name_rule` (a regular expression) allows.

    Raises SettingsError.
    """
    here = (*path, "plans")
    if not isinstance(raw, dict):
        raise reader.fail(here, "must be tables such as [sites.dr-west.plans.whole-site]")
    return {name: _plan(reader, (*here, name), name, data, name_rule) for name, data in raw.items()}


def _plan(reader: TableReader, path: Place, name: str, data: Any, name_rule: str) -> PlanSettings:
    if not re.fullmatch(name_rule, name):
        raise reader.fail(
            path, "a plan's name is typed to confirm it: letters, digits, '.', '_' and '-' only"
        )
    if name in RESERVED:
        raise reader.fail(path, f'"{name}" is there without settings; give the plan another name')
    plan = reader.table(PlanSettings, data, path)
    if not plan.waves:
        raise reader.fail((*path, "waves"), f"has no wave; right would be {RIGHT['waves']}")
    span(reader, (*path, "patience"), plan.patience, 0, LONGEST_PATIENCE_S)
    if not 1 <= plan.domains_at_once <= 64:
        text = f"{plan.domains_at_once} is not {RIGHT['domains_at_once']}"
        raise reader.fail((*path, "domains_at_once"), text)
    _waves(reader, path, plan)
    return plan


def _waves(reader: TableReader, path: Place, plan: PlanSettings) -> None:
    """Refuse waves without a domain, of one name, or that name the same thing twice."""
    names, wave_of = set[str](), dict[str, str]()
    for number, wave in enumerate(plan.waves):
        here = (*path, "waves", number)
        no_control_characters(reader, here, wave.name)
        if not wave.name or len(wave.name) > LONGEST_PATTERN:
            raise reader.fail(here, f"a wave's name has 1 to {LONGEST_PATTERN} characters")
        if wave.name in names or wave.name == OTHERS:
            raise reader.fail(here, f"a wave is called {quoted(wave.name)} already; give it another name")
        names.add(wave.name)
        if not wave.domains:
            raise reader.fail(here, f'the wave "{brief(wave.name)}" names no domain')
        for pattern in wave.domains:
            no_control_characters(reader, here, pattern)
            if not pattern or len(pattern) > LONGEST_PATTERN:
                raise reader.fail(here, f"a pattern has 1 to {LONGEST_PATTERN} characters")
            if pattern in wave_of:
                before = brief(wave_of[pattern])
                raise reader.fail(
                    here, f'{quoted(pattern)} is in the wave "{before}" already; a domain begins once'
                )
            wave_of[pattern] = wave.name


def check_places(reader: TableReader, path: Place, places: PlacesSettings) -> None:
    """Raises SettingsError for a number of places that cannot be."""
    for name, number in msgspec.structs.asdict(places).items():
        if not 1 <= number <= 500:
            raise reader.fail((*path, "places", name), f"{number} is not a whole number from 1 to 500")
