"""What the README and the pages that it leads to show can be typed and read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import msgspec
import pytest

from drdeck.cli.root import cli
from drdeck.config.settings import (
    ConsoleSettings,
    DomainSettings,
    JetStreamSettings,
    PitrSettings,
    RunbookSettings,
    TrainingSettings,
    VSphereSettings,
)
from drdeck.config.settings_file import parse
from drdeck.model.actions.action_table import ACTIONS
from tests.support import ROOT

README = ROOT / "README.md"
PAGES = [README, *(ROOT / "docs" / f"{name}.md" for name in ("operate", "configure", "security", "training"))]
TEXT = "\n".join(page.read_text("utf-8") for page in [*PAGES, ROOT / "docs" / "faults.md"])
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = [line for kind, text in BLOCKS if not kind for line in text.replace("\\\n", " ").splitlines()]
INLINE = re.findall(r"`(drdeck [^`]+)`", TEXT)
COMMANDS = sorted({line.split("  #")[0] for line in [*SHELL, *INLINE] if line.startswith("drdeck ")})


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one(line: str) -> None:
    words = shlex.split(line)[1:]
    options = {"--help", "-h"}
    command: click.Command = cli
    context = cli.make_context("drdeck", list(words), resilient_parsing=True)  # asks and runs nothing
    while True:
        options |= {option for parameter in command.params for option in parameter.opts}
        rest = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not rest:
            break
        name, subcommand, left = command.resolve_command(context, rest)
        assert subcommand is not None, f"{rest[0]} is no command"
        command, context = (
            subcommand,
            subcommand.make_context(name, left, parent=context, resilient_parsing=True),
        )
    assert [word for word in words if word.startswith("-") and word not in options] == []


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 8 and any("pitr run" in line for line in COMMANDS)


def test_the_settings_are_right() -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "toml"]
    settings = parse(text, README)
    site = settings.site(settings.default_site)
    assert isinstance(site, VSphereSettings) and site.protected is not None
    assert site.domain("erp-prod").runbook[0].vms == ("erp-db*",)


@pytest.mark.parametrize("script", ["console", "test", "run"])
def test_a_script_is_there(script: str) -> None:
    assert f"bash .ci/{script}" in README.read_text("utf-8")
    assert (README.parent / ".ci" / script).is_file()


def test_it_is_short_enough_to_be_read() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "faults.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in slugs, target


def test_every_setting_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "configure.md").read_text("utf-8")
    tables = (
        ConsoleSettings,
        PitrSettings,
        RunbookSettings,
        DomainSettings,
        VSphereSettings,
        TrainingSettings,
        JetStreamSettings,
    )
    names = {field.encode_name for table in tables for field in msgspec.structs.fields(table)}
    assert [name for name in sorted(names - {"domains", "vcenter_site"}) if name not in reference] == []


@pytest.mark.parametrize("page", ["architecture", "contributing"])
def test_files_that_the_map_names_are_there(page: str) -> None:
    """By their end, for a list may name a folder once; `NAME` stands for something of the reader's."""
    here = [
        f"/{path.relative_to(ROOT)}" for room in ("src", "tests", "docs") for path in (ROOT / room).rglob("*")
    ]
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    files = set(re.findall(r"`([\w./]+/\w+|[\w./]+\.(?:py|go|md))/?`", text))
    assert len(files) > 20
    ends = {f"/{file}" for file in files if "NAME" not in file}
    assert {end for end in ends if not any(path.endswith(end) for path in here)} == set()


def test_the_actions_that_may_have_other_keys_are_named() -> None:
    page = (ROOT / "docs" / "configure.md").read_text("utf-8")
    named = page.partition("Names of actions for `keys`:")[2].partition(".\n\n")[0]
    assert re.findall(r"`(\w+)`", named) == [action.name for action in ACTIONS]
