"""A training site whose file cannot be used: said, kept aside on request, never begun anew by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck

NETWORKS = ["--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg", "--network", "VM_3530=DRSeg"]


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path)
    yield new_deck
    new_deck.stop()


def base_of(deck: Deck) -> Path:
    return deck.state / "training-ransomware" / "training-ransomware.db"


def test_a_damaged_site_is_said_and_begins_anew_on_request_only(deck: Deck) -> None:
    deck.run("cfo", "start", "erp-prod", *NETWORKS)
    deck.stop()
    with sqlite3.connect(base_of(deck)) as base:
        base.execute("UPDATE commands SET at = '2026-01-16T23:25:01Z'")
    base.close()
    damaged = base_of(deck).read_bytes()

    for _ in range(2):
        refusal = deck.run("domains", code=5).stderr
        assert "is damaged (command 1 was changed)" in refusal and f"`{deck.typed('train reset')}`" in refusal
        assert base_of(deck).read_bytes() == damaged
        deck.stop()

    deck.run("plan", "check", "all", code=5)  # its controller runs meanwhile
    kept = Path(deck.json("train", "reset")["kept"])
    assert kept.parent == deck.state and (kept / "training-ransomware.db").read_bytes() == damaged
    assert (kept / "journal.db").exists()
    assert deck.domain("erp-prod")["mode"] == "imported"
    assert deck.json("tasks")["operations"] == []


def test_a_site_can_be_reset_again_and_again(deck: Deck) -> None:
    assert deck.json("train", "reset")["kept"] is None
    kept = set()
    for _ in range(3):
        deck.run("cfo", "start", "erp-prod", *NETWORKS)
        kept.add(deck.json("train", "reset")["kept"])
    assert len(kept) == 3 and all(Path(path).is_dir() for path in kept)
    assert "there was nothing to set aside" in deck.run("train", "reset").stderr


def test_other_sites_are_not_reset(tmp_path: Path) -> None:
    settings = '[sites.dr]\nkind = "vsphere"\nurl = "https://vc/sdk"\nusername = "x"\nroot = "/DC/vm/dr"\n'
    deck = Deck(tmp_path, settings)
    assert "is no training site" in deck.run("--site", "dr", "train", "reset", code=3).stderr
