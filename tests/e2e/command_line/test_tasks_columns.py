"""The steps in `drdeck tasks` stand below each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from drdeck.controller.journal import event_store as journals
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.process.paths import paths_for
from drdeck.private_files import make_private
from tests.support.deck import Deck

WHOLE = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)
FRACTIONS = (0, 500_000, 123_456, 120_000)
""" of a second; what is zero at the end of one is not shown"""


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path)
    deck.here = True
    yield deck
    deck.stop()


def test_whatever_the_fractions_of_their_times(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    file = paths_for("training-ransomware", deck.state).journal
    make_private(file.parent)
    times = iter([WHOLE, *(WHOLE.replace(microsecond=f) for f in FRACTIONS)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return next(times)

    monkeypatch.setattr(journals, "datetime", Clock)
    journal = Journal(file)
    request = {"action": "cfo_start", "domain": "erp-prod"}
    accepted = {"operation": "op-1", "request": request, "asked_at": "2026-01-16T22:00:00Z"}
    journal.append("anna@jump1", facts.ACCEPTED, accepted)
    for number, _ in enumerate(FRACTIONS):
        intent = {"operation": "op-1", "key": f"step-{number}", "says": f"do step {number}"}
        journal.append("drdeck", facts.INTENT, intent)
    journal.close()
    monkeypatch.undo()
    table = deck.run("tasks").stdout
    rows = [line for line in table.splitlines() if "do step" in line]
    assert len(rows) == len(FRACTIONS) and len({line.index("do step") for line in rows}) == 1, table
