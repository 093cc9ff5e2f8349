"""Examples that can be typed, and what help ends with."""

from __future__ import annotations

import io
import re
import shlex

import pytest
from click.testing import CliRunner

from drdeck.cli import exit_codes
from drdeck.cli.manual.examples import EXAMPLES
from drdeck.cli.root import cli
from tests.support.command_line.command_tree import commands, parsed

LINES = [(path, line) for path, lines in EXAMPLES.items() for line in lines]


def help_of(path: str) -> str:
    return CliRunner().invoke(cli, [*path.split()[1:], "--help"], prog_name="drdeck").output


@pytest.mark.parametrize("path", [path for path, _ in commands()])
def test_each_command_ends_its_help_with_two_examples_or_more(path: str) -> None:
    lines = re.findall(r"^ {4}(?:eval \"\$\()?drdeck ?.*$", help_of(path), re.MULTILINE)
    assert len(lines) >= 2, f"give {path} its examples in drdeck/cli/manual/examples.py"
    assert [line.strip() for line in lines] == list(EXAMPLES[path])


@pytest.mark.parametrize(("path", "line"), LINES)
def test_an_example_is_what_the_command_takes(path: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    words = shlex.split(re.findall(r"drdeck[^|>)]*", line)[0])[1:]
    called = parsed(words)
    assert called.startswith(path)


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) <= {path for path, _ in commands(hidden=True)}


def test_the_help_of_drdeck_has_all_exit_codes() -> None:
    meanings = dict(re.findall(r"^ +(\d+)  (.+)$", help_of("drdeck"), re.MULTILINE))
    assert {int(code): words for code, words in meanings.items()} == exit_codes.WORDS
    codes = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(exit_codes.WORDS)


def test_help_of_a_command_by_the_word_help() -> None:
    run = CliRunner().invoke(cli, ["help", "pitr", "run"], prog_name="drdeck")
    assert (run.exit_code, run.output) == (0, help_of("drdeck pitr run"))
    refused = CliRunner().invoke(cli, ["help", "domains", "all"], prog_name="drdeck")
    assert refused.exit_code == exit_codes.USAGE and "drdeck domains has no commands" in refused.output


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        (["domans"], "domains"),
        (["cfo", "complete", "erp-prod", "--typ", "force"], "--type"),
        (["pitr", "pionts", "erp-prod"], "points"),
        (["show", "erp-prod", "--jsno"], "--json"),
        (["help", "pirt"], "pitr"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(typed: list[str], nearest: str) -> None:
    run = CliRunner().invoke(cli, typed, prog_name="drdeck")
    assert run.exit_code == exit_codes.USAGE
    assert re.search(rf"Did you mean .*'{nearest}'", run.output), run.output
