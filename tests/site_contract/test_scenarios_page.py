"""The page for trainers says what the code knows."""

from __future__ import annotations

import re
from importlib import resources

import msgspec
import pytest

from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.sites.training.scenario import scenario_tables as made_of
from drdeck.sites.training.scenario.scenario_file import parse
from drdeck.sites.training.site_simulation import SiteSimulation

PAGE = (resources.files("drdeck.sites.training") / "SCENARIOS.md").read_text("utf-8")
TABLES: dict[str, type[made_of.ScenarioStruct]] = {
    "## The scenario": made_of.Scenario,
    "## `[[domains]]`": made_of.ScenarioDomain,
    "### `pitr`": made_of.ScenarioPitr,
    "### `[[domains.vms]]`": made_of.ScenarioVm,
    "### `[[domains.runbook]]`": made_of.ScenarioGroup,
    "### `[[domains.incidents]]`": made_of.ScenarioIncident,
    "## `[[faults]]`": made_of.ScenarioFault,
    "## `[[plans]]`": made_of.ScenarioPlan,
    "### `[[plans.waves]]`": made_of.ScenarioWave,
}


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of each key's row under a heading."""
    text = re.split(r"\n##", PAGE.split(f"{heading}\n", 1)[1])[0]
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in table}


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_with_its_default(heading: str) -> None:
    rows_of_three = {key: cells for key, cells in rows(heading).items() if len(cells) == 3}
    fields = {field.encode_name: field for field in msgspec.structs.fields(TABLES[heading])}
    assert set(rows_of_three) == set(fields)
    for key, field in fields.items():
        default = rows_of_three[key][1].strip("`")
        assert (default == "-") == field.required, key
        if isinstance(field.default, str | int | float) and field.default != "" and not default.isalpha():
            same = default.strip('"').replace("_", "") if not isinstance(field.default, str) else default
            expected = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert same.strip('"') == expected, key


def test_every_kind_of_fault() -> None:
    kinds = {key for key, cells in rows("## `[[faults]]`").items() if len(cells) == 1}
    assert kinds == set(FAULT_KINDS)


def test_the_example_can_be_played_and_uses_every_key() -> None:
    text = PAGE.split("```toml\n", 1)[1].split("```", 1)[0]
    plot = parse(text)
    (domain,) = SiteSimulation(plot).domains(plot.first_instant)
    assert domain.mode == "synchronised" and domain.points > 0
    for table in TABLES.values():
        for field in msgspec.structs.fields(table):
            name = field.encode_name
            assert re.search(rf"\b{name}\b", text), name
