"""The bytes that call somebody to the terminal."""

from __future__ import annotations

import pytest

from drdeck.console.terminal.summons import MOST, summons

WRITTEN = [
    ("none", False, ""),
    ("bell", False, "\x07"),
    ("bell", True, "\x07"),
    ("osc9", False, "\x1b]9;erp asks\x07\x07"),
    ("osc777", False, "\x1b]777;notify;drdeck;erp asks\x07\x07"),
    ("osc9", True, "\x1bPtmux;\x1b\x1b]9;erp asks\x07\x1b\\\x07"),
]


@pytest.mark.parametrize(("by", "tmux", "written"), WRITTEN)
def test_written(by: str, tmux: bool, written: str) -> None:
    assert summons("erp asks", by, tmux) == written


@pytest.mark.parametrize("by", ["osc9", "osc777"])
def test_names_from_outside_end_no_sequence(by: str) -> None:
    written = summons("evil\x07\x1b]52;c;AAAA\x07;x" + "y" * 900, by, tmux=False)
    assert written.count("\x1b") == 1 and written.count("\x07") == 2
    assert len(written) < MOST + 30
