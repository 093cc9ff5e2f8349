"""The terminal is told once of each thing that needs somebody, by the settings; of nothing on attaching."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.config.settings import ConsoleSettings, Duration
from drdeck.console.app import DrdeckApp
from drdeck.controller.journal.operations import Question
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Mode
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, domain, in_session, operation

ASKS = Question(id="q1", kind="failed", text="no", choices=("retry", "abort"))
SICK = Alarm(time=NOW, severity=Severity.CRITICAL, vm=None, kind="health_failed", text="2 of 2 VMs FAIL")


@pytest.fixture
def tidings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(DrdeckApp, "summon", lambda app, text: texts.append(text))
    return texts


async def news(settings: ConsoleSettings, tidings: list[str]) -> list[str]:
    """All four events, after a session that was there already; each news comes twice."""
    client = FakeClient(in_session("old"))
    async with running(client, settings=settings) as deck:
        assert tidings == [], "what was there on attaching is not told"
        going = operation(of="erp-prod", question=ASKS)
        domains: Any = (in_session("old"), in_session("files", alarms=(SICK,)), domain(mode=Mode.COMPLETING))
        for _ in range(2):
            client.tell(*domains, operations=(going,))
            await deck.settle()
    return tidings


async def test_each_is_told_once(tidings: list[str]) -> None:
    settings = ConsoleSettings(tell_by="bell", tell_unprotected_after=Duration(600))
    assert await news(settings, tidings) == [
        "dr-west: erp-prod needs you: Failover (force) asks",
        "dr-west: files: 2 of 2 VMs FAIL",
        "dr-west: files: its PITR session began; it is unprotected",
        "dr-west: files is unprotected for 12m",
    ]


async def test_only_what_the_settings_name(tidings: list[str]) -> None:
    settings = ConsoleSettings(tell_by="osc9", tell=("question",))
    assert await news(settings, tidings) == ["dr-west: erp-prod needs you: Failover (force) asks"]


async def test_nothing_by_default(tidings: list[str]) -> None:
    assert await news(ConsoleSettings(), tidings) == []
