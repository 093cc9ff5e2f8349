"""Text from outside is data: no command and no log gives a terminal anything of it raw.

The site of these tests has names, and its lesson texts, that begin with every attack that TOML can carry.
All that every command writes to stdout and stderr is looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from drdeck.cli.root import cli
from tests.support.deck import Deck
from tests.support.nasty import NASTY, raw
from tests.support.training.nasty_site import APP, CRM, DB, DRSEG, ERP, NETWORK, OUT, WEB
from tests.support.training.nasty_site import deck as deck
from tests.support.training.nasty_site import lesson as lesson
from tests.support.vcenter.flow import MakeFlow, settings
from tests.support.vcenter.vcsim import VCenter


class Listener:
    """Runs commands, and looks at everything that they write."""

    def __init__(self, deck: Deck, lesson: Path) -> None:
        self.deck, self.lesson = deck, lesson
        self.run: set[str] = set()

    def __call__(self, *words: str, code: int | None = 0) -> str:
        done = self.deck.run(*words, code=code)
        assert raw(done.stdout) == [] and raw(done.stderr) == [], (words, done.stdout, done.stderr)
        self.run |= {path for path in commands() if tuple(path.split()) == words[: len(path.split())]}
        if words[0] == "train" and self.lesson in map(Path, words):
            self.run.add("train lesson")
        return done.stdout + done.stderr

    def both(self, *words: str, code: int | None = 0) -> Any:
        """As text, and as JSON, which means what was meant."""
        self(*words, code=code)
        done = self.deck.run(*words, "--json", code=code)
        assert raw(done.stdout) == [], done.stdout
        return json.loads(done.stdout)

    def everything(self) -> None:
        """All that can be looked at as things are now."""
        listing = self.both("domains")
        assert {d["name"] for d in listing["domains"]} == {ERP, CRM, WEB}
        for name in (ERP, CRM, WEB):
            domain = self.both("show", name)
            assert {vm["name"] for vm in domain["vms"]} == {DB, APP}
            self.both("pitr", "points", name)
            self.both("watch", name, "--until", "idle", "--timeout", "0.2", code=None)
        for operation in self.both("tasks")["operations"]:
            self.both("report", operation["id"])
        self.both("doctor", code=None)
        self.both("controller", "status")
        self.both("info")
        self.both("logs")
        self.both("audit", "verify")
        for line in self("audit", "export").splitlines():
            json.loads(line)
        self("watch", "--timeout", "0.2", code=7)


def commands() -> set[str]:
    """Every command that there is, as it is typed."""
    paths: set[str] = set()

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                walk(inner, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            paths.add(" ".join(path))

    walk(cli, ())
    return paths - {""}


NOT_LOOKED_AT = {
    "controller serve": "is the controller itself; its log is looked at",
    "console": "is looked at in test_nasty_terminal.py",
    "sites add": "asks, in test_nasty_terminal.py",
    "version": "prints what drdeck is made of, and nothing that others wrote",
    "train appliance": "runs until ctrl+c, in tests/e2e/training/test_appliance_call.py",
}


def question(deck: Deck, name: str) -> dict[str, Any]:
    deck.run("watch", name, "--until", "idle", "--timeout", "60", code=None)
    domain_question: dict[str, Any] | None = deck.domain(name)["question"]
    assert domain_question is not None
    return domain_question


def test_every_command_in_every_phase(deck: Deck, lesson: Path) -> None:
    say = Listener(deck, lesson)
    say.both("sites")
    say("completion", "zsh")
    say("controller", "start")
    say.everything()
    mapping = f"--network={NETWORK}={DRSEG}"

    # wrong ones
    for words, code in (
        (("show", f"{OUT}none"), 2),
        (("cfo", "start", ERP), 3),
        (("cfo", "start", ERP, f"--network={NETWORK}={OUT}none"), 2),
        (("cfo", "start", ERP, f"--network={OUT}none=x"), 2),
        (("cfo", "complete", WEB, "--type", "regular"), 3),
        (("pitr", "start", CRM, "--vm", f"{OUT}none"), 2),
        (("pitr", "run", CRM, "--to", f"{OUT}soon"), 2),
        (("pitr", "exit", CRM), 3),
        (("takeover", ERP), 3),
        (("pitr", "entry", ERP), 3),
        (("test", "detach", ERP), 3),
        (("record", "restore", ERP), 3),
        (("answer", f"{OUT}op", "retry"), 2),
        (("answer", "op-1", f"{OUT}maybe"), 2),
        ((f"{OUT}command",), 2),
        (("--site", f"{OUT}east", "domains"), 2),
        (("--scenario", f"{OUT}east.toml", "domains"), 2),
        (("train", f"{OUT}lesson"), 2),
        (("train", "inject", "slow_vm", "--domain", CRM, "--vm", f"{OUT}none"), 3),
        (("train", "jump", f"{OUT}soon"), 2),
        (("watch", ERP, "--until", "session", "--timeout", "nan"), 2),
    ):
        screen = say(*words, code=None)
        done = deck.run(*words, code=None)
        assert done.returncode in (code, 1), (words, done.returncode, screen)

    run = f"{OUT}run"
    others: tuple[tuple[str, ...], ...] = (
        ("cfo", "cancel", CRM),
        ("cfo", "remap", CRM, f"--network={NETWORK}={OUT}none"),
        ("cfo", "resume", CRM),
        ("failover", "run", ERP, "--type", "planned", f"--network={NETWORK}={OUT}none"),
        ("failover", "undo", ERP),
        *(("domain", act, ERP) for act in ("failback", "restore", "release", "cancel-release")),
        ("way-back", ERP),
        ("way-back", CRM),
        ("test", "start", ERP, "--dry-run"),
        ("test", "start", ERP, "--vm", f"{OUT}none"),
        ("test", "show", ERP),
        ("test", "end", ERP, "--note", f"{OUT}note"),
        ("test", "leftovers"),
        ("failover", "commit", ERP),
        ("record", "accept", ERP),
        ("explain", ERP),
        ("explain", f"{OUT}word"),
        ("networks", ERP),
        ("plan", "list"),
        ("plan", "show", "all"),
        ("plan", "check", "all", "--type", "force"),
        ("plan", "run", f"{OUT}plan", "--type", "force"),
        ("test", "plan", "all", "--dry-run"),
        *(("plan", act, run) for act in ("status", "report", "pause", "resume", "takeover", "watch")),
        *(("plan", act, run, ERP) for act in ("leave-out", "begin")),
        *(("plan", "pitr", act, run) for act in ("points", "exit")),
        ("plan", "pitr", "run", run, "--to", "-5m"),
        ("plan", "pitr", "release", run, ERP),
        ("sites", "clean"),
        ("help", "cfo"),
        ("man", str(deck.directory / "man")),
    )
    for line in others:
        say(*line, code=None)
        assert deck.run(*line, code=None).returncode in (0, 1, 2, 3), line

    say.both("settings", "check")
    json.loads(say("settings", "schema"))
    say("controller", "restart")

    # through a planned failover that asks, a session, a rollback, an exit
    say("cfo", "start", ERP, mapping, "--wait")
    say.everything()
    say("cfo", "complete", ERP, "--type", "planned", "--run-pitr", mapping)
    domain_question = question(deck, ERP)
    assert DB in domain_question["text"]
    say.everything()
    say("answer", domain_question["operation"], "retry")
    deck.run("watch", ERP, "--until", "session", "--timeout", "60")
    say.everything()
    point = deck.json("pitr", "points", ERP)["points"][0]["time"]
    say("pitr", "run", ERP, "--to", point, "--vm", DB, "--wait")
    say.everything()
    say("pitr", "exit", ERP, "--wait")
    say("cfo", "start", WEB, mapping)
    say("watch", WEB, "--until", "synchronised", "--timeout", "60")
    say("cfo", "complete", WEB, "--type", "force", "--confirm", f"{OUT}no", code=3)
    say(
        "cfo",
        "complete",
        WEB,
        "--type",
        "force",
        "--confirm",
        WEB,
        "--even-though=answers,vms-running",
        "--wait",
    )
    say("pitr", "start", CRM, "--wait")
    say.both("train", "inject", "foreign_snapshot", "--domain", CRM, "--vm", APP)
    say.both("train", "jump", "1m")
    assert deck.domain(CRM)["alarms"]
    say.everything()

    # the lesson
    say("train", str(lesson), "--judge", "--key")
    say.both("train")
    result = deck.directory / "result.json"
    say("train", str(lesson), "--judge", "--result", str(result))
    say("train", str(lesson), "--", "cfo", "start", ERP, mapping, "--wait")
    judgement = json.loads(deck.run("train", str(lesson), "--judge", "--json").stdout)
    assert judgement["title"] == f"{NASTY}lesson"
    assert json.loads(result.read_text("utf-8"))["title"] == f"{NASTY}lesson"
    assert raw(result.read_text("utf-8")) == []

    say("controller", "stop", "--force")
    say("train", "reset", code=None)
    logs = [*deck.state.rglob("*.log")]
    assert len(logs) >= 2
    for log in logs:
        assert raw(log.read_text("utf-8")) == []
    assert any("<U+202E>" in log.read_text("utf-8") for log in logs)
    assert commands() - say.run == set(NOT_LOOKED_AT), "a new command is to be looked at here too"


@pytest.mark.parametrize("locale", ["C", "en_US.ISO-8859-1", "POSIX"])
def test_names_that_the_locale_has_no_letters_for(deck: Deck, locale: str) -> None:
    deck.here = False
    deck.env |= {"LANG": locale, "LC_ALL": locale, "PYTHONIOENCODING": "latin-1" if "8859" in locale else ""}
    done = deck.run("show", ERP)
    assert raw(done.stdout) == [] and "Traceback" not in done.stderr
    assert "not valid UTF-8" in deck.run("show", b"\xff".decode("utf-8", "surrogateescape"), code=None).stderr


def test_names_and_words_of_a_vcenter(make_flow: MakeFlow, recovery: VCenter) -> None:
    """What XML can carry of it: folders, VMs, snapshots, and what vCenter says when it refuses."""
    odd = "\u202e\u200b[red]\x9b2J\u2066\xad"
    name, vm = f"{odd}erp", f"{odd}db"
    flow = make_flow(recovery, None, {name: [vm, "app"]}, settings(name))
    recovery.make_snapshot((name, "app"), f"{odd}snapshot")
    recovery.fail_power_on((name, vm), text=f"{odd}no room")

    def look(*words: str, code: int | None = None) -> str:
        done = flow.deck.run(*words, code=code)
        assert raw(done.stdout) == [] and raw(done.stderr) == [], (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    flow.start(name)
    flow.complete("force", "--run-pitr", domain=name)
    flow.until(lambda domain: domain["question"], name)
    assert "no room" in look("show", name)
    assert f"power on {vm}: " in flow.show(name)["question"]["text"], "whole in JSON"
    for words in (("domains",), ("show", name), ("tasks",), ("doctor",), ("pitr", "points", name)):
        look(*words)
        json.loads(look(*words, "--json"))
    look("answer", flow.show(name)["question"]["operation"], "retry", code=0)
    flow.until(lambda domain: domain["session"] and domain["session"]["state"] == "active", name)
    look("pitr", "exit", name, "--confirm", name, "--wait", code=0)
    assert raw(flow.deck.log()) == []
