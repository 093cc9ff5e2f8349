"""`drdeck explain`: words without a controller, domains with what can be done now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck.cli.reading.explain_command import COMMANDS, IN_ONE_SITTING
from drdeck.model.actions.action_table import ACTIONS
from tests.support.command_line.command_tree import parsed
from tests.support.deck import Deck


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path, '[sites.training]\nkind = "training"\nscenario = "ransomware"\n')
    deck.here = True
    yield deck
    deck.stop()


def test_each_act_of_the_menu_has_a_command_that_is_one() -> None:
    menu = {action.name for action in ACTIONS if action.menu}
    assert menu <= set(COMMANDS)
    for line in (*COMMANDS.values(), IN_ONE_SITTING):
        assert parsed(shlex.split(line)[1:])


def test_a_word_needs_no_controller(deck: Deck) -> None:
    assert deck.run("explain", "PITR", "session").stdout.startswith("PITR session: The time in which VMs")
    assert deck.json("explain", "rehydrating")["word"] == "rehydration"
    assert len(deck.json("explain")["words"]) > 25
    assert not deck.state.exists()


def test_a_domain_says_what_can_be_done_now_and_why_not_the_rest(deck: Deck) -> None:
    explained = deck.run("explain", "erp-prod").stdout
    assert explained.startswith("erp-prod: Imported. ")
    assert "can be done now: Continuous Failover: " in explained
    assert f"({deck.typed('cfo start erp-prod')})" in explained
    assert "Failover: start the continuous failover and complete it, at once" in " ".join(explained.split())
    assert "not now: Run PITR: " in explained
    actions = {action["action"]: action for action in deck.json("explain", "erp-prod")["actions"]}
    assert actions["cfo_complete"]["command"] == "drdeck failover run erp-prod --type planned"
    possible = {name for name, action in actions.items() if action["possible"]}
    assert possible == {"cfo_start", "cfo_complete", "test_start", "way_back"}
    for name, action in actions.items():
        if not action["possible"] and name in ("cfo_complete", "pitr_exit"):
            words = ["cfo", "complete", "erp-prod", "--type", "planned"] if name == "cfo_complete" else [
                "pitr", "exit", "erp-prod",
            ]  # fmt: skip
            assert action["reason"] in deck.run(*words, code=3).stderr, "the controller's own words"
    refused = deck.run("explain", "erp-rpod", code=2).stderr
    assert 'no word and no Protected Domain is called "erp-rpod"; did you mean "erp-prod"?' in refused
    assert (
        "not now: Continuous Failover: drdeck is read-only"
        in deck.run("--read-only", "explain", "erp-prod").stdout
    )
