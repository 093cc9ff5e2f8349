"""Names that a tab key completes: VMs, networks, operations and their answers, sites, scenarios, lessons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line.completing import complete, completed
from tests.support.deck import Deck

SETTINGS = """
[sites.training]
kind = "training"
scenario = "stubborn-vm"
speed = 100000
[sites.dr-lab]
kind = "training"
"""


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path, SETTINGS)
    deck.env |= {"DRDECK_CONFIG": str(deck.config), "DRDECK_STATE": str(deck.state)}
    yield deck
    deck.stop()


def test_what_files_know_needs_no_controller(deck: Deck) -> None:
    assert completed(deck, "--site", "") == ["dr-lab", "training"]
    assert completed(deck, "--scenario", "bu") == ["busy-night"]
    assert completed(deck, "train", "1") == ["1"]
    assert completed(deck, "train", "whole") == ["whole-flow", "whole-site"]
    assert completed(deck, "train", "in") == ["inject"]
    assert completed(deck, "train", "jump", "2h", "--lesson", "6") == ["6"]
    assert not deck.state.exists()


def test_names_of_the_site_come_from_its_controller(deck: Deck) -> None:
    domain = deck.json("domains")["domains"][0]["name"]
    detail = deck.domain(domain)
    vms = [vm["name"] for vm in detail["vms"]]
    source, target = detail["networks"]["protected"][0], detail["networks"]["recovery"][0]
    assert completed(deck, "networks", domain[:2]) == [domain]
    assert completed(deck, "pitr", "start", domain, "--vm", "") == vms
    assert completed(deck, "pitr", "start", domain, "--vm", vms[0], "--vm", "") == vms[1:]
    assert completed(deck, "train", "inject", "slow_vm", "--domain", domain[:3]) == [domain]
    assert completed(deck, "cfo", "start", domain, "--network", f"{source}={target[:2]}") == [
        f"{source}={target}"
    ]
    assert f"*={target}" in completed(deck, "cfo", "complete", domain, "--network", "")
    assert complete(deck, "pitr", "start", "nothing", "--vm", "") == []


def test_what_asks_can_be_completed_with_its_answers(deck: Deck) -> None:
    domain = deck.json("domains")["domains"][0]["name"]
    assert complete(deck, "answer", "") == [], "nothing asks"
    words = ("cfo", "complete", domain, "--type", "planned", "--network", "*=DRSeg", "--wait", "--json")
    ended = deck.run(*words, code=4)
    operation = deck.domain(domain)["operation"]
    assert operation in ended.stdout
    choices = deck.domain(domain)["question"]["choices"]
    assert completed(deck, "answer", "") == [operation, domain]
    assert completed(deck, "answer", operation, "") == choices
    assert completed(deck, "answer", domain, choices[0][:2]) == choices[:1]


def test_behind_a_lesson_any_line_is_completed_with_the_names_of_its_site(deck: Deck) -> None:
    assert complete(deck, "train", "1", "--", "net") == ["networks"]
    assert complete(deck, "train", "1", "--", "networks", "") == [], "it was not begun, and is not now"
    assert not deck.state.exists()
    deck.run("train", "1", "--", "domains")
    try:
        assert completed(deck, "train", "1", "--", "networks", "") == ["intranet"]
        assert completed(deck, "train", "whole-flow", "--", "show", "intranet", "--js") == ["--json"]
        assert completed(deck, "train", "1", "--", "pitr", "run", "intranet", "--to", "2")[0].startswith(
            "2026"
        )
        assert complete(deck, "train", "none", "--", "networks", "") == []
    finally:
        deck.run("train", "1", "--", "controller", "stop", "--force")


def test_a_test_of_a_plan_is_offered_the_instants_that_most_of_its_domains_have(deck: Deck) -> None:
    domain = deck.json("domains")["domains"][0]["name"]
    offered = completed(deck, "test", "plan", "all", "--to", "2")
    assert offered == sorted(offered, reverse=True)
    points = {point["time"] for point in deck.json("pitr", "points", domain)["points"]}
    assert len(points & set(offered)) > 20, "the oldest are dropped meanwhile"
    assert complete(deck, "test", "plan", "nothing", "--to", "") == []
