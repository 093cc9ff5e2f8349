"""Networks by command: shown, mapped all at once, out of the settings, and slips answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deck import Deck

SETTINGS = '[sites.training]\nkind = "training"\nscenario = "ransomware"\n'
DEFAULTS = '[sites.training.networks]\nVM_3510 = "DRSeg"\n"*" = "DRIsolated"\n'


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path, SETTINGS)
    deck.here = True
    yield deck
    deck.stop()


def test_all_that_lack_one_are_named_at_once_and_mapped_at_once(deck: Deck) -> None:
    listing = deck.json("networks", "erp-prod")
    assert listing["offered"] == ["DRSeg", "DRIsolated"]
    assert [(row["protected"], row["recovery"]) for row in listing["networks"]] == [
        ("VM_3510", None),
        ("VM_3520", None),
        ("VM_3530", None),
    ]
    done = deck.run("networks", "erp-prod")
    assert "not chosen yet: VM_3510, VM_3520, VM_3530" in done.stderr and "VM_3520" in done.stdout
    refused = deck.run("cfo", "start", "erp-prod", "--network", "VM_3510=DRSeg", code=3)
    assert 'networks "VM_3520", "VM_3530" of "erp-prod" have no recovery network yet' in refused.stderr
    deck.run("cfo", "start", "erp-prod", "--network", "VM_3520=DRSeg", "--network", "*=DRIsolated")
    mapping = deck.domain("erp-prod")["networks"]["mapping"]
    assert mapping == {"VM_3510": "DRIsolated", "VM_3520": "DRSeg", "VM_3530": "DRIsolated"}
    rows = deck.json("networks", "erp-prod")["networks"]
    assert {row["why"] for row in rows} == {"chosen before"}


def test_defaults_of_the_settings_need_no_word(deck: Deck) -> None:
    deck.config.write_text(SETTINGS + DEFAULTS, "utf-8")
    rows = deck.json("networks", "erp-prod")["networks"]
    assert [(row["recovery"], row["why"]) for row in rows] == [
        ("DRSeg", "settings"),
        ("DRIsolated", "settings"),
        ("DRIsolated", "settings"),
    ]
    deck.run("cfo", "start", "erp-prod")
    assert deck.domain("erp-prod")["networks"]["mapping"]["VM_3530"] == "DRIsolated"


SLIPS = (
    (("show", "erp-rpod"), '"erp-prod"'),
    (("networks", "erp"), '"erp-prod"'),
    (("pitr", "start", "erp-prod", "--vm", "erp-bd01"), '"erp-db01"'),
    (("cfo", "start", "erp-prod", "--network", "VM_351=DRSeg"), '"VM_3510"'),
    (("cfo", "start", "erp-prod", "--network", "VM_3510=DRIsolate"), '"DRIsolated"'),
)


def test_slips_are_answered_with_the_nearest_name(deck: Deck) -> None:
    for words, meant in SLIPS:
        assert f"did you mean {meant}?" in deck.run(*words, code=2).stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('VM_3510 = ""', "cannot be the name of a network"),
        ('VM_3510 = "*"', "must be named"),
        ("VM_3510 = 3", 'a table such as { "VM_3510" = "DRSeg" }'),
        ('"a\\tb" = "DRSeg"', "control"),
    ],
)
def test_settings_that_name_no_network_are_refused_with_their_place(deck: Deck, line: str, says: str) -> None:
    deck.config.write_text(f"{SETTINGS}[sites.training.networks]\n{line}\n", "utf-8")
    refused = deck.run("domains", code=2).stderr
    assert "line 5" in refused or "line 4" in refused
    assert says in refused
