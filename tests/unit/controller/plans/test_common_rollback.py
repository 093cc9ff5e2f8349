"""Which instants are marked for the sessions of a run: good by the checks, and before abnormal writing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from drdeck.console.widgets.plans.instant_lines import spread_lines
from drdeck.controller.journal.operations import OperationState
from drdeck.controller.journal.runs import Batch, OperationEnd
from drdeck.controller.plans.common_rollback import PointTable
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.plans.common_instant import CommonInstant, common_instant, with_marked
from tests.support.plans.plan_build import NOW, ago


def points(*minutes: int, abnormal: tuple[int, ...] = ()) -> Points:
    """Points so many minutes ago, newest first; those of `abnormal` lie in abnormal writing."""
    return Points(
        points=tuple(
            RestorePoint(
                time=ago(60 * m), kind="group", vms=3, abnormal_since=ago(60 * m) if m in abnormal else None
            )
            for m in sorted(minutes)
        )
    )


@pytest.mark.parametrize(
    ("erp", "files", "before"),
    [
        (points(10, 20, 30), points(12, 24), None),
        (points(10, 20, 30, abnormal=(10, 20)), points(12, 24), ago(30 * 60)),
        (points(10, 20, 30, abnormal=(10,)), points(12, 24, 36, abnormal=(12, 24)), ago(36 * 60)),
        (points(10, 20, abnormal=(10, 20)), points(12, 24, abnormal=(12,)), None),  # erp has none before
    ],
)
def test_the_last_instant_before_abnormal_writing_anywhere(
    erp: Points, files: Points, before: datetime | None
) -> None:
    assert PointTable({"erp": erp, "files": files}).before_abnormal == before


@pytest.mark.parametrize(
    ("later_s", "lie", "line"),
    [
        (0, None, "points at the same instant"),
        (0.5, "less than a second apart", "points less than a second apart: what"),
        (4, "up to 4s apart", "spread 4s: what"),
        (843, "up to 00:14:03 apart", "spread 00:14:03: what"),
    ],
)
def test_a_spread_is_told_where_there_is_one(later_s: float, lie: str | None, line: str) -> None:
    later = NOW + timedelta(seconds=later_s)
    at = {
        n: Points(points=(RestorePoint(time=t, kind="group", vms=1),)) for n, t in (("a", NOW), ("b", later))
    }
    instant = common_instant(later, at, {})
    words = [f"Their points lie {lie}; what one sent another in that time may be missing or doubled."]
    assert instant.says()[1:] == (words if lie else [])
    assert "".join(text for text, _ in spread_lines(instant)[1]).startswith(f" {line}")


def batch(**ends: Any) -> Batch:
    return Batch(
        id="back-1",
        action="pitr_run",
        actor="ann@jump",
        asked_at=ago(600),
        domains=("erp", "files"),
        to=ago(3600),
        operations={"erp": "op-erp", "files": "op-files"},
        ends={
            f"op-{name}": OperationEnd(state=state, at=NOW, healthy=ok, failing=failing)
            for name, (state, ok, failing) in ends.items()
        },
    )


DONE, FAILED = OperationState.DONE, OperationState.FAILED


@pytest.mark.parametrize(
    ("ends", "good"),
    [
        ({"erp": (DONE, 3, 0), "files": (DONE, 2, 0)}, True),
        ({"erp": (DONE, 3, 0), "files": (DONE, 0, 0)}, True),  # files has no checks
        ({"erp": (DONE, 0, 0), "files": (DONE, 0, 0)}, False),  # nobody has
        ({"erp": (DONE, 3, 0), "files": (DONE, 2, 1)}, False),
        ({"erp": (DONE, 3, 0), "files": (FAILED, 0, 0)}, False),
        ({"erp": (DONE, 3, 0)}, False),  # files goes on
    ],
)
def test_an_instant_is_good_once_no_check_failed_anywhere(ends: Any, good: bool) -> None:
    assert batch(**ends).good is good


def test_the_marked_instant_stands_for_the_one_at_the_same_time() -> None:
    offered = [CommonInstant(to=ago(s), domains=()) for s in (60, 120)]
    marked = [CommonInstant(to=ago(s), domains=(), kind="good") for s in (120, 90)]
    assert [(i.to, i.kind) for i in with_marked(offered, marked)] == [
        (ago(60), ""),
        (ago(90), "good"),
        (ago(120), "good"),
    ]
