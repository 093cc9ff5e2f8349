"""The whole site by keyboard: its plan checked and decided, followed, and rolled back to one instant."""

from __future__ import annotations

from drdeck.model.plans.run_views import InRunState, RunView
from tests.ui.screens.stage import Stage


def run_of(s: Stage) -> RunView:
    """The run on the stage."""
    return s.house.server.news.listing().runs[0]


def count(s: Stage, *states: InRunState) -> int:
    """So many domains of the run are in one of these states."""
    return sum(domain.state in states for domain in run_of(s).domains)


async def whole_site(s: Stage) -> None:
    await s.press("down", "space", "space")
    await s.shoot("domains-marked", "2 marked", "possible: force")
    await s.press("space", "up", "space")
    await s.press("up", "space", "up", "space")
    await s.press("asterisk", "asterisk", "F")
    await s.shoot("plan-list", "All that stood at the")
    await s.press("enter")
    await s.shoot("plan-check", "Begin Failover Plan", "not possible")
    await s.press("x")
    await s.shoot("plan-without-running", "36 domains begin")
    await s.press("b")
    await s.type("whole-site 36")
    await s.shoot("plan-decision", 'Type "whole-site 36"')
    await s.press("down", "enter")
    await s.shoot("plan-begun", "since decision")
    await s.advance_until(lambda: count(s, InRunState.QUESTION) == 2)
    await s.shoot("plan-run", "needs you (2)")
    await s.press("a")
    await s.shoot("plan-answer", "Answer all 2 alike")
    await s.press("escape", "z")
    await s.shoot("plan-pause", "There is no undo.")
    await s.press("escape", "p")
    await s.until(lambda: "reading the points" not in s.text)
    await s.type("8:42")
    await s.press("enter")
    await s.shoot("plan-rollback", "go back, each for itself")
