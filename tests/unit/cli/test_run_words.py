"""Words of a run on the command line: a protected site that answers again is told, until the run is over."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.cli.plan import plan_commands
from drdeck.cli.plan.plan_waiting import progress
from drdeck.model.plans.run_views import RunState
from tests.support.console.plan_double import PlanningClient, mid_run
from tests.support.operation_build import NOW


def status(capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    """What `drdeck plan status` prints of a run."""
    run = mid_run(**more)
    listing = PlanningClient(run).listing
    assert listing is not None
    plan_commands._print_run(run, listing, as_json=False)
    return capsys.readouterr().out


def test_a_protected_site_that_answers_again_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the protected site answers again, since" in status(capsys, answers_again=NOW)
    assert progress(mid_run(answers_again=NOW)).endswith("; THE PROTECTED SITE ANSWERS AGAIN")


@pytest.mark.parametrize(
    "more", [{}, {"answers_again": NOW, "ended_at": NOW, "state": RunState.DONE}], ids=["silent", "over"]
)
def test_one_that_does_not_or_a_run_that_is_over_has_no_such_words(
    capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    assert "answers again" not in status(capsys, **more)
    assert "ANSWERS" not in progress(mid_run(**more))
