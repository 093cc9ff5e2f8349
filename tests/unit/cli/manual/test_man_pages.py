"""Man pages: one for each command, with all of its options, in troff that says what was meant."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from drdeck.cli.manual.man_pages import pages, roff
from drdeck.cli.root import cli
from tests.support.command_line.command_tree import commands

PAGES = pages(cli, "1.2.3")


@pytest.mark.parametrize(
    ("text", "troff"),
    [
        ("--wait", r"\-\-wait"),
        (r"a \ b", r"a \e b"),
        (".profile\n'x' and .y", "\\&.profile\n\\&'x' and .y"),
    ],
)
def test_nothing_of_a_text_is_taken_for_an_order(text: str, troff: str) -> None:
    assert roff(text) == troff


def test_each_command_has_its_page() -> None:
    assert set(PAGES) == {f"{path.replace(' ', '-')}.1" for path, _ in commands()}


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_a_page_has_all_options_and_inner_commands(path: str, command: click.Command) -> None:
    text = PAGES[f"{path.replace(' ', '-')}.1"]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert roff(parameter.opts[0]) in text or getattr(parameter, "hidden", False)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            assert inner.hidden or rf"\fB{roff(path.replace(' ', '-') + '-' + name)}\fR(1)" in text
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
        assert f"\n.SH {section}\n" in text


def test_troff_prints_them_without_a_complaint(tmp_path: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text, "utf-8")
        ended = subprocess.run(
            [groff, "-man", "-Tascii", "-ww", str(tmp_path / name)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert ended.stderr == "", name
        assert "drdeck" in ended.stdout


def test_the_command_writes_them_for_all_users_of_the_host(tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["man", str(tmp_path / "man")], prog_name="drdeck")
    assert run.exit_code == 0 and f"{len(PAGES)} pages are in {tmp_path / 'man' / 'man1'}" in run.output
    files = sorted((tmp_path / "man" / "man1").iterdir())
    assert [file.name for file in files] == sorted(PAGES)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o644}
    assert "drdeck\\-pitr\\-run" in (tmp_path / "man" / "man1" / "drdeck-pitr-run.1").read_text("utf-8")
