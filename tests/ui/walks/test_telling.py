"""The terminal is told once of each thing that needs somebody, by the settings; of nothing on attaching."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.config.settings import ConsoleSettings, Duration
from drdeck.console.app import DrdeckApp
from drdeck.controller.journal.operations import Question
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Mode
from drdeck.model.plans.run_views import InRunState, Needs
from tests.support.console.console_deck import running
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, operation
from tests.support.console.plan_double import PlanningClient, member, mid_run

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


async def test_a_run_that_waits_for_a_word_is_told_once(tidings: list[str]) -> None:
    """A domain that was not begun asks nothing by itself, nor does a wave at its gate."""
    client = PlanningClient(mid_run())
    settings = ConsoleSettings(tell_by="bell", tell=("question",))
    async with running(client, settings=settings) as deck:
        run = mid_run()
        refused = member(
            "print", InRunState.QUESTION, reason="it is driven by bob@jump2", needs=Needs.BEGIN_ANEW
        )
        rows = tuple(refused if row.name == "print" else row for row in run.domains)
        waves = (*run.waves[:2], changed(run.waves[2], state="gate"))
        for _ in range(2):
            client.show_run(changed(run, domains=rows, waves=waves))
            await deck.settle()
    assert tidings == [
        "dr-west: print needs you: it is driven by bob@jump2",
        'dr-west: whole-site needs you: wave "others" waits for Resume Plan',
    ]
