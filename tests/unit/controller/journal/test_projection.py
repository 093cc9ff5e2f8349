"""The operations that a journal tells of, in the process that wrote it and after any number of starts."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.journal.event_store import Event
from drdeck.controller.journal.projection import ACCEPTED, INTENT, OUTCOME, Operations, apply, project

AT = "2026-01-16T22:00:00+00:00"
KEY = "StartTrial"
RESTART = "restart"


def event(kind: str, **data: object) -> Event:
    return Event(
        id=1, time=datetime(2026, 1, 16, 22, tzinfo=UTC), actor="anna", kind=kind,
        data={"operation": "op-1", **data}, previous="", hash="",
    )  # fmt: skip


BEGIN = event(ACCEPTED, request={"action": "cfo_start", "domain": "erp"}, asked_at=AT)


def what_is_lost(steps: list[str]) -> tuple[set[str], set[str]]:
    """Keys of calls whose answers are lost: as the last process has it, and as a new one reads it. A step is
    an intent, the result of an outcome, or a restart."""
    events = [BEGIN]
    live: Operations = project(events)
    for what in steps:
        op = live["op-1"]
        if what == RESTART:
            live = project(events)
            continue
        if (what == INTENT) == (KEY in op.going):
            continue  # one try of a key at a time, and no outcome without one
        new = event(INTENT, key=KEY) if what == INTENT else event(OUTCOME, key=KEY, result=what, text="")
        events.append(new)
        live = apply(live, new)
    lost = {*live["op-1"].lost, *live["op-1"].going}
    return lost, set(project(events)["op-1"].lost)


def test_an_answer_that_was_lost_is_so_after_two_starts_and_a_try_that_was_not_sent() -> None:
    steps = [INTENT, RESTART, INTENT, "unreachable"]
    assert what_is_lost(steps) == ({KEY}, {KEY})


@given(st.lists(st.sampled_from([INTENT, "unreachable", "unknown", "done", RESTART]), max_size=16))
def test_whoever_reads_the_journal_has_what_its_writer_had(steps: list[str]) -> None:
    for length in range(len(steps) + 1):
        live, read = what_is_lost(steps[:length])
        assert live == read
