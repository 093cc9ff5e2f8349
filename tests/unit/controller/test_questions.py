"""Questions in words: where to look, and what an answer does."""

from __future__ import annotations

import pytest

from drdeck.controller.questions import slow
from drdeck.model.planned import PlannedCall


def call(kind: str, says: str, *choices: str) -> PlannedCall:
    return PlannedCall(key=says, kind=kind, says=says, limit_s=600, choices=choices)


BACKUP = call("wait", 'wait for the backup of db, which works with its snapshot "nightly"', "skip")
POWER_OFF = call("power_off", "power off web", "abort")


@pytest.mark.parametrize(
    ("calls", "place"),
    [([BACKUP], "what it waits for"), ([POWER_OFF], "its task"), ([BACKUP, POWER_OFF], "its task")],
)
def test_a_slow_call_says_where_to_look(calls: list[PlannedCall], place: str) -> None:
    """A wait for the tool of others has no task of its own."""
    assert f" Look in vCenter at {place}. " in slow(calls, 0).text


def test_only_what_all_of_them_offer_is_offered() -> None:
    assert slow([BACKUP], 0).choices == ("wait", "retry", "skip")
    assert slow([POWER_OFF], 1).choices == ("wait", "retry", "abort")
    assert slow([BACKUP, POWER_OFF], 0).choices == ("wait", "retry")
    assert slow([POWER_OFF], 1).text.startswith("Not ended within 00:10:00 once more: power off web.")
