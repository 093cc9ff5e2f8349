"""A whole plan tested in one bubble by command line, on the training site."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.deck import Deck

SETTINGS = """
default_site = "lab"
[sites.lab]
kind = "training"
scenario = "whole-site"
speed = 600
"""


@pytest.fixture
def deck(tmp_path: Path):  # type: ignore[no-untyped-def]
    deck = Deck(tmp_path, SETTINGS)
    yield deck
    deck.stop()


def test_a_plan_is_tested_by_waves_and_ended(deck: Deck) -> None:
    before = deck.json("plan", "check", "all", code=None)
    names = [d["name"] for d in before["domains"] if d["possible"] != "skipped"]
    assert all(d["tested"] is None for d in before["domains"])
    assert any(text.startswith("Never tested: ") for text in before["says"])
    assert "is being tested" in deck.run("test", "plan", "all", "--end", code=3).stderr
    assert "add --end" in deck.run("test", "plan", "all", "--result", "passed", code=2).stderr
    refused = deck.run("test", "plan", "all", "--network", "*=VM Network", code=3).stderr
    assert "is not an isolated one" in refused and "leave them out with --except" in refused
    assert all(t["test"] is None for t in deck.json("test", "show")["tests"]), "nothing was begun"

    begun = deck.json("test", "plan", "all", "--wait")["operations"]
    assert [b["domain"] for b in begun] == names
    running = {t["domain"]: t["test"] for t in deck.json("test", "show")["tests"]}
    assert all(running[name]["state"] == "running" for name in names)
    again = deck.run("test", "plan", "all", "--except", names[0], code=3).stderr
    assert "is being tested already" in again

    deck.json("test", "plan", "all", "--end", "--result", "failed", "--note", "no login", "--wait")
    after = {d["name"]: d["tested"] for d in deck.json("plan", "check", "all", code=None)["domains"]}
    assert all(after[name]["result"] == "failed" for name in names)
    assert (
        "failed" in deck.run("domains").stdout
        and "failed" in deck.run("plan", "check", "all", code=None).stdout
    )
