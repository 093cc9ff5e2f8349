"""From the console of one site to another's by `:`, in one terminal, and back."""

from __future__ import annotations

from pathlib import Path

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck

SETTINGS = """
default_site = "west"
[sites.west]
kind = "training"
scenario = "first-failover"
label = "DR WEST"
[sites.east]
kind = "training"
scenario = "whole-site"
label = "DR EAST"
"""


def go_to(t: Terminal, site: str) -> None:
    t.press(":")
    t.wait_for("Every act, domain, VM and site")
    t.press(*f"site {site}")
    t.wait_for(f"site {site}", f"> Site {site}")
    t.press("enter")


def test_a_site_is_left_for_another_and_come_back_to(tmp_path: Path) -> None:
    deck = Deck(tmp_path, SETTINGS)
    t = Terminal(deck.argv(), deck.env)
    try:
        t.wait_for("DR WEST", "1 domain", "intranet")
        go_to(t, "east")
        t.wait_for("DR EAST", "40 domains", "ad-dns")
        assert "DR WEST" not in t.text()
        go_to(t, "west")
        t.wait_for("DR WEST", "1 domain", "d Detach")
        assert "also here" not in t.text(), "its first console is left"
        t.press("enter")
        t.wait_for("Protected VMs", "Owner Site")
        t.press("d")
        t.wait_for("left west; its controller")
        assert t.ended() == 0
    finally:
        t.close()
        deck.run("--site", "east", "controller", "stop", "--force", code=None)
        deck.stop()
