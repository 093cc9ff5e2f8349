"""The least size, 80 x 22, on several kinds of terminal: nothing that an operator needs is cut off.

80 x 22 is what tmux leaves of 80 x 24 with a status line and the border of a split. The same screens at
80 x 23 and 80 x 24 show no less.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck

WAYS = [
    ("xterm-256color", 22, {}),
    ("screen", 22, {"COLUMNS": "132", "LINES": "50"}),
    ("linux", 23, {"LC_ALL": "C", "LANG": "C"}),
    ("vt100", 22, {"LC_ALL": "C", "LANG": "C", "NO_COLOR": "1"}),
    ("tmux-256color", 24, {"NO_COLOR": "1"}),
]


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path, '[sites.training]\nkind = "training"\n')
    yield new_deck
    new_deck.stop()


def last_line(t: Terminal, rows: int) -> str:
    return str(t.screen.display[rows - 1])


@pytest.mark.parametrize(("term", "rows", "env"), WAYS)
def test_nothing_that_is_needed_is_cut(deck: Deck, term: str, rows: int, env: dict[str, str]) -> None:
    t = Terminal(deck.argv(), {**deck.env, **env, "TERM": term}, 80, rows)
    try:
        t.wait_for("Protected Domains", "Domain", "State", "VMs", "RPO", "Last good", "erp-prod", "Imported")
        t.wait_for("TRAINING", until=lambda: "d Detach" in last_line(t, rows))
        assert "enter Open" in last_line(t, rows) and "m More" in last_line(t, rows)

        t.press("enter")
        t.wait_for("Protected VMs", "Owner Site", "REMOTE", "Recoverable / Total VMs", "20 / 20")
        t.wait_for("VM Name", "Protection Status", "Current Step", "PITR", "Alarms")
        t.wait_for("erp-db01", "erp-app01", until=lambda: "d Detach" in last_line(t, rows))
        assert "[f Failover]" in t.text() and "[m More" in t.text()

        t.press("m")
        t.wait_for("Continuous Failover", "Test Failover", "Failover Plan", "enter Choose", "esc Close")
        t.press("escape")
        t.wait_gone("Choose")

        t.press("f")
        t.wait_for("VM Network Mapping", "VM_3510", "VM_3520", "VM_3530")
        t.wait_for("Regular", "Planned Failover", "Force Failover", "Run PITR after recovering VMs")
        t.wait_for("Protected site", "SHUT DOWN first", "Cancel", "[ Failover ]")
        t.wait_for("esc Cancel", until=lambda: "enter Press" in last_line(t, rows))
        t.press("escape")
        t.wait_gone("VM Network Mapping")
        t.press("d")
        assert t.ended() == 0
    finally:
        t.close()
