"""Completion of a line that is being typed, by click's protocol and in a real bash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from drdeck.cli.acting.request_options import EVEN_THOUGH
from drdeck.cli.root import cli
from drdeck.controller.asking.protected_evidence import EVIDENCE
from tests.support.command_line.completing import complete, completed
from tests.support.console.terminal import Terminal, poll
from tests.support.deck import Deck

SCENARIO = """
name = "odd"
title = "Names that a shell takes apart"
start = "2026-01-16T22:00:00Z"
link_bytes_per_s = 125_000_000
""" + "".join(
    f"""
[[domains]]
name = "{name}"
pitr = {{ enabled = true, window = "3d", interval = "1h" }}
state = "protected"
[[domains.vms]]
name = "vm"
disk_bytes = 1_000_000_000
write_bytes_per_s = 1000
boot = "40s"
network = "VM_3510"
"""
    for name in ("erp prod", "erp prod:2", "web$(x)", "hidden\\u202e", "größe")
)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    scenario = tmp_path / "odd.toml"
    scenario.write_text(SCENARIO, "utf-8")
    new_deck = Deck(tmp_path, '[sites.training]\nkind = "training"\nscenario = "odd.toml"\n')
    new_deck.env |= {"DRDECK_CONFIG": str(new_deck.config), "DRDECK_STATE": str(new_deck.state)}
    yield new_deck
    new_deck.stop()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(deck: Deck, shell: str) -> None:
    script = deck.run("completion", shell).stdout
    assert f"_DRDECK_COMPLETE={shell}_complete" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)
    assert not deck.state.exists()


def test_another_shell_is_refused(deck: Deck) -> None:
    assert "is not one of 'bash', 'zsh', 'fish'" in deck.run("completion", "tcsh", code=2).stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_commands_options_domains_and_points(deck: Deck, shell: str) -> None:
    deck.run("controller", "start")
    deck.run("domains")
    assert completed(deck, "com", shell=shell) == ["completion"]
    assert completed(deck, "pitr", "run", "--co", shell=shell) == ["--confirm"]
    assert sorted(completed(deck, "show", "e", shell=shell)) == ["erp prod", "erp prod:2"]
    assert complete(deck, "show", "hid", shell=shell) == [], "nobody can type that"
    for words in (("show",), ("watch",), ("cfo", "start"), ("pitr", "exit"), ("takeover",)):
        assert completed(deck, *words, "web", shell=shell) == ["web$(x)"]
    assert complete(deck, "pitr", "exit", "größe", "--confirm", "gr", shell=shell) == [], (
        "a person types that"
    )

    def points_now() -> list[str]:
        return [point["time"] for point in deck.json("pitr", "points", "größe")["points"]]

    poll(lambda: points_now()[0] == "2026-01-16T22:00:00Z", 60)  # the next one comes in an hour
    points = points_now()
    assert len(points) > 3
    newest = points[0]
    assert completed(deck, "pitr", "run", "größe", "--to", newest[:-2], shell=shell) == [newest]
    assert completed(deck, "pitr", "run", "größe", "--to", "20", shell=shell) == points
    assert complete(deck, "pitr", "run", "nothing", "--to", "20", shell=shell) == []
    assert complete(deck, "pitr", "run", "--to", "20", shell=shell) == [], "of which domain is not known yet"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_plans_facts_expressions_and_commands(deck: Deck, shell: str) -> None:
    deck.run("domains")
    for words, values in (
        (("plan", "run", "a"), ["all"]),
        (("plan", "check", "a"), ["all"]),
        (("cfo", "complete", "größe", "--even-though", "answers"), ["answers", "answers,vms-running"]),
        (("domains", "--where", "health=f"), ["health=failed"]),
        (("domains", "--where", "health=failed,!al"), ["health=failed,!alarms"]),
        (("help", "pitr", "p"), ["points"]),
        (("help", "dom"), ["domain", "domains"]),
        (("train", "inject", "slow_vm", "--domain", "größe", "--vm", "v"), ["vm"]),
        (("report", "gr"), ["größe"]),
        (("cfo", "complete", "größe", "--without-vm", "v"), ["vm"]),
        (("plan", "run", "--domains", "größe,erp"), ["größe,erp prod", "größe,erp prod:2"]),
        (("plan", "run", "all", "--only", "gr"), ["größe"]),
        (("test", "plan", "a"), ["all"]),
        (("answer", "x", "retry", "--kind", "s"), ["site", "slow"]),
    ):
        assert sorted(completed(deck, *words, shell=shell)) == values, words
    assert complete(deck, "train", "inject", "slow_vm", "--vm", "v", shell=shell) == [], "of which domain?"


def test_the_facts_that_are_completed_are_those_that_are_named() -> None:
    assert EVEN_THOUGH == EVIDENCE


def test_without_a_controller_it_is_silent_and_starts_none(deck: Deck) -> None:
    assert complete(deck, "show", "e") == []
    assert complete(deck, "pitr", "run", "größe", "--to", "2") == []
    assert not deck.state.exists()


def test_a_controller_that_does_not_answer_is_not_waited_for(deck: Deck) -> None:
    deck.run("domains")
    pid = deck.json("controller", "status")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert complete(deck, "show", "e") == []
        assert time.monotonic() - began < 20, "a second, and the start of a process on a busy machine"
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("broken", ["settings", "level", "option"])
def test_what_is_wrong_is_left_to_the_command_to_say(deck: Deck, broken: str) -> None:
    if broken == "settings":
        deck.config.write_text("nonsense")
    elif broken == "level":
        deck.env["DRDECK_LOG"] = "loud"
    options = ("--site", "nowhere", "--speed", "x") if broken == "option" else ()
    assert complete(deck, *options, "show", "e") == []
    assert complete(deck, *options, "sho") == ["show"]
    deck.config.write_text("")


def test_no_password_is_asked_for(deck: Deck, tmp_path: Path) -> None:
    """A controller without a password is there, and its site was not seen yet."""
    witness = tmp_path / "witness"
    deck.config.write_text(
        'default_site = "dr-west"\n[sites.dr-west]\nkind = "vsphere"\nurl = "https://127.0.0.1:9/sdk"\n'
        f'username = "drdeck"\nroot = "/DC0/vm"\npassword_command = ["touch", "{witness}"]\n'
    )
    assert complete(deck, "show", "e") == []
    assert not witness.exists() and not deck.state.exists()


# -- a real bash


@pytest.fixture
def bash(deck: Deck) -> Iterator[Terminal]:
    path = shutil.which("bash")
    if path is None:
        pytest.skip("there is no bash")
    deck.run("domains")
    deck.env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PS1": "$ "}
    terminal = Terminal([path, "--norc", "--noprofile"], deck.env, columns=200)
    terminal.wait_for("$")
    terminal.press("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\r")
    terminal.press('eval "$(drdeck completion bash)"; echo rea"dy"\r')
    terminal.wait_for("ready")
    yield terminal
    terminal.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("drdeck contr\t", "drdeck controller "),
        ("drdeck show gr\t", "drdeck show größe "),
        ("drdeck show we\t", r"drdeck show web\$\(x\) "),
        ("drdeck show er\t", r"drdeck show erp\ prod"),
        (r"drdeck show erp\ prod:" + "\t", r"drdeck show erp\ prod:2 "),
        ("drdeck show 'erp prod:\t", "drdeck show 'erp prod:2' "),
        ("drdeck pitr run größe --to 2026-01-16T21:00\t", "drdeck pitr run größe --to 2026-01-16T21:00:00Z "),
        ("drdeck pitr run größe --to=2026-01-16T21\t", "drdeck pitr run größe --to=2026-01-16T21:00:00Z "),
        ("true; drdeck cfo st\t", "true; drdeck cfo start "),
    ],
)
def test_a_word_is_completed_in_bash(bash: Terminal, typed: str, line: str) -> None:
    bash.press(typed)
    bash.press("|")  # where the cursor stands
    bash.wait_for(f"$ {line}|")
    assert bash.text().count("\n$ ") <= 3, "nothing else was written"


def test_restore_points_are_listed_in_bash_newest_first(bash: Terminal, deck: Deck) -> None:
    points = [point["time"] for point in deck.json("pitr", "points", "größe")["points"]]
    bash.press("drdeck pitr run größe --to 2026-01-16T2\t\t")
    times = [time for time in points if time.startswith("2026-01-16T2")]
    bash.wait_for(*times)
    assert sorted(times, key=bash.text().index) == times


def test_every_word_that_is_a_name_or_an_instant_is_completed() -> None:
    """Else somebody adds a command and forgets it; what is not completed has its reason here."""
    typed = {"confirm", "confirm_running"}  # consent
    free = {"note", "lasts", "timeout", "last", "length", "times", "duration", "speed", "port", "session"}
    of_sites = {"name", "url", "username", "root", "vcenter", "ca_file", "thumbprint", "user", "all_networks"}
    of_sites |= {"protected_url", "protected_username", "protected_root"}
    of_many = {"drdeck sites add domains"}
    bare = []
    for path, command in commands_of(cli, "drdeck"):
        for parameter in command.params:
            if parameter.name in typed | free | of_sites or f"{path} {parameter.name}" in of_many:
                continue
            has_values = isinstance(parameter.type, click.Choice | click.Path | click.types.BoolParamType)
            if not has_values and not getattr(parameter, "is_flag", False) and not completes(parameter):
                bare.append(f"{path} {parameter.name}")
    assert bare == []


def commands_of(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands_of(inner, f"{path} {name}")


def completes(parameter: click.Parameter) -> bool:
    return getattr(parameter, "_custom_shell_complete", None) is not None
