"""Acts that are only rehearsed, and answers by the name of a domain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.command_line.command_tree import commands
from tests.support.deck import Deck

ACTS = [
    (path, command)
    for path, command in commands()
    if any("--wait" in parameter.opts for parameter in command.params)
]


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path, '[sites.training]\nkind = "training"\nscenario = "stubborn-vm"\nspeed = 600\n')
    deck.here = True
    yield deck
    deck.stop()


@pytest.mark.parametrize(("path", "command"), ACTS)
def test_every_act_can_be_rehearsed(path: str, command: click.Command) -> None:
    assert any("--dry-run" in parameter.opts for parameter in command.params), path


def test_a_dry_run_says_what_would_be_done_and_does_nothing(deck: Deck) -> None:
    words = ("cfo", "complete", "files", "--type", "planned", "--network", "*=DRSeg", "--dry-run")
    rehearsed = deck.run(*words)
    assert rehearsed.stdout.startswith("Failover (planned) of files\n")
    vms = [vm["name"] for vm in deck.domain("files")["vms"]]
    assert f"VMs: {len(vms)}: {vms[0]}" in rehearsed.stdout
    assert "-> DRSeg" in rehearsed.stdout and "protected site: answers" in rehearsed.stdout
    assert "nothing was started" in rehearsed.stderr
    assert deck.domain("files")["mode"] == "synchronised"
    assert "cfo_complete" not in deck.run("audit", "export").stdout
    shaped = deck.json(*words)
    assert shaped["accepted"] and shaped["refusal"] is None and shaped["vms"] == vms
    assert set(shaped["networks"].values()) == {"DRSeg"}


def test_a_dry_run_ends_as_the_act_would(deck: Deck) -> None:
    refused = deck.run("cfo", "start", "files", "--dry-run", code=3)
    assert "would be refused: continuous failover needs an imported domain" in refused.stderr
    assert "did you mean" in deck.run("pitr", "start", "file", "--dry-run", code=2).stderr
    force = deck.json("cfo", "complete", "files", "--type", "force", "--network", "*=DRSeg", "--dry-run")
    assert force["confirm"] == "files" and any("answers" in text for text in force["warnings"])


def test_the_question_of_a_domain_is_answered_by_its_name(deck: Deck) -> None:
    assert "no question on files" in deck.run("answer", "files", "retry", code=3).stderr
    deck.run("cfo", "complete", "files", "--type", "planned", "--network", "*=DRSeg", "--wait", code=4)
    operation = deck.domain("files")["operation"]
    assert f'did you mean "{operation}"' in deck.run("answer", operation[:-1], "retry", code=2).stderr
    answered = deck.json("answer", "files", "retry")
    assert answered == {"operation": operation, "answer": "retry"}
