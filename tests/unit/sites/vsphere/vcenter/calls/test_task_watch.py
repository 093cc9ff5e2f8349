"""A task's end is known soon, whatever it took and whatever runs beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from drdeck.sites.vsphere.vcenter.calls import task_watch
from drdeck.sites.vsphere.vcenter.calls.task_watch import TaskWatch
from tests.support.virtual_time import VirtualTime

ROUND_S = 8.0
REQUEST_S = 0.001


def ends_known(
    tasks: dict[str, tuple[float, float]], patch: pytest.MonkeyPatch
) -> tuple[dict[str, float], list[int]]:
    """Wait for tasks that begin at an instant and take so long, in virtual time: by id the seconds after its
    end at which each was known to be over, and of each question how many tasks it was about."""
    loop, questions = VirtualTime(), list[int]()

    def over(task: str) -> bool:
        return loop.time() >= sum(tasks[task])

    def states(session: Any, ids: Sequence[str]) -> dict[str, tuple[str, Any]]:
        questions.append(len(ids))
        return {task: ("success" if over(task) else "running", None) for task in ids}

    async def inline(work: Callable[[], Any]) -> Any:
        await asyncio.sleep(REQUEST_S)
        return work()

    watched: set[str] = set()

    async def waited(work: Any) -> Any:
        """A round of the filter: it takes in no further task while it waits."""
        if getattr(work, "func", None) is not rounds:
            return await inline(work)
        fresh = work.args[0]
        watched.update(fresh)
        ends = [sum(tasks[task]) for task in watched if not over(task)]
        await asyncio.sleep(min([ROUND_S, *(end - loop.time() for end in ends)]))
        return {task: ("success", None) for task in watched if over(task)}

    rounds = object()
    patch.setattr(task_watch, "_states", states)
    patch.setattr(task_watch, "in_thread", waited)
    watch = TaskWatch(session=None)
    patch.setattr(watch, "_round", rounds)
    patch.setattr(task_watch, "partial", _Partial)
    late: dict[str, float] = {}

    async def follow(task: str) -> None:
        await asyncio.sleep(tasks[task][0])
        await watch.fault_of(task)
        late[task] = loop.time() - sum(tasks[task])

    async def follow_all() -> None:
        await asyncio.gather(*map(follow, tasks))

    try:
        loop.run_until_complete(follow_all())
    finally:
        loop.close()
    return late, questions


class _Partial:
    def __init__(self, func: Any, *args: Any) -> None:
        self.func, self.args = func, args

    def __call__(self) -> Any:
        return self.func(*self.args)


@pytest.mark.parametrize("took_s", [0.05, 0.61, 1.3, 2.2])
def test_an_end_is_known_within_a_tenth_of_what_the_task_took(
    took_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, questions = ends_known({"task-1": (0.0, took_s)}, monkeypatch)
    assert late["task-1"] <= max(0.05, took_s / 10 + 0.015)
    assert len(questions) <= 30


def test_one_beside_an_hour_long_task_is_not_seen_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter takes in no further task while vCenter holds its answer back."""
    late, questions = ends_known({"removal": (0.0, 3600.0), "power on": (60.5, 3.0)}, monkeypatch)
    assert late["power on"] <= 0.35
    assert late["removal"] <= 0.1 and len(questions) < 90


def test_tasks_that_run_together_are_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    late, questions = ends_known({f"task-{n}": (n / 1000, 0.6) for n in range(20)}, monkeypatch)
    assert len(questions) < 40 and max(late.values()) < 0.15
