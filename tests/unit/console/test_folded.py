"""Lines that are too long for a narrow terminal: folded by words, in their styles, with nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.console.dialogs.fact_sheets import Fact, laid_out
from drdeck.console.format import Line, folded, plain_of, width_of
from drdeck.console.widgets.list_rows import point_header, point_row
from drdeck.console.widgets.status_bars import low_bars
from drdeck.model.pitr import RestorePoint
from drdeck.terminal_info import MIN_WIDTH
from tests.support.console.fake_client import NOW, in_session

words = st.lists(st.text("ab漢-", min_size=1, max_size=30), min_size=1, max_size=20).map(" ".join)


@given(st.lists(st.tuples(words, st.sampled_from(("", "bold"))), min_size=1, max_size=4), st.integers(30, 80))
def test_nothing_of_a_folded_line_is_lost(pieces: list[tuple[str, str]], width: int) -> None:
    line: Line = tuple(pieces)
    rows = folded(line, width)
    assert all(width_of(row) <= width for row in rows)
    for style in ("", "bold"):
        whole = "".join(text for text, own in pieces if own == style).replace(" ", "")
        assert "".join(text for row in rows for text, own in row if own == style).replace(" ", "") == whole


def test_a_line_that_fits_stays_as_it_is() -> None:
    line: Line = (("  two ", "dim"), ("x" * 20, "bold"))
    assert folded(line, 26) == [line]
    assert [plain_of(row) for row in folded(line, 24)] == ["  two ", f"    {'x' * 20}"]


@pytest.mark.parametrize("width", [55, 75])
def test_the_value_of_a_fact_stands_beside_its_label(width: int) -> None:
    rows = laid_out([Fact("Question", "word " * 30), Fact("Runbook group application", "Success")], width)
    texts = [plain_of(row) for row in rows]
    assert all(width_of(row) <= width for row in rows) and len(texts) > 2
    assert texts[-1].startswith("Runbook group application  ") and texts[-1].endswith("Success")


def test_a_point_in_a_narrow_list_keeps_what_speaks_against_it() -> None:
    width = MIN_WIDTH - 4
    sick = RestorePoint(
        time=NOW,
        kind="group",
        vms=5,
        missing=("erp-db01",),
        skew_s=120,
        hint="write rate x30 from 09:40Z (a)",
    )
    text = plain_of(point_row(sick, width, NOW, 6))
    assert width_of(point_header(width, False)) <= width and len(text) <= width
    assert "5/6" in text and "x30 from 09:40Z" in text
    entry = RestorePoint(time=NOW, kind="entry", vms=6)
    assert plain_of(point_row(entry, width, NOW, 6)).endswith("6 entry")
    assert "★" in plain_of(point_row(entry, width, NOW, 6, good=True))


def test_low_bars_are_three_lines_with_the_mode_whole() -> None:
    lines = low_bars(in_session(), NOW, MIN_WIDTH - 2)
    assert len(lines) == 3 and all(width_of(line) <= MIN_WIDTH - 2 for line in lines)
    assert "PITR session active" in plain_of(lines[0]) and "LOCAL" in plain_of(lines[0])
    assert "Suspended (PITR session)" in plain_of(lines[2])
