"""What is journaled at a time goes to the disk by one write, in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Entry, Event, Journal
from drdeck.controller.journal.recorder import SELF, Recorder
from tests.support.virtual_time import VirtualTime

WRITE_S = 0.01


class CountedJournal(Journal):
    """Keeps the kinds of each write; each takes WRITE_S of the loop's clock, as a disk takes it."""

    def __init__(self, file: Path, loop: VirtualTime) -> None:
        super().__init__(file)
        self._loop, self.writes = loop, list[list[str]]()

    def append_all(self, entries: Sequence[Entry]) -> list[Event]:
        self.writes.append([entry.kind for entry in entries])
        self._loop._passed += WRITE_S
        return super().append_all(entries)


def recorded(directory: Path, *tellings: tuple[float, str], crowded: bool = True) -> list[list[str]]:
    """Run a recorder that is told of these kinds at these instants: a call's task or its end, which wait for
    the disk, and what is recorded at once; the kinds of each write."""
    loop = VirtualTime()
    journal = CountedJournal(directory / "journal.db", loop)
    recorder = Recorder(journal)
    recorder.crowded = lambda: crowded

    async def tell(at: float, kind: str) -> None:
        await asyncio.sleep(at)
        if kind in (facts.TASK, facts.OUTCOME):
            await recorder.record_surely(
                kind, {"operation": "op-1", "key": "off:vm-1"}, patient=kind == facts.TASK
            )
        else:
            recorder.record(SELF, kind, {"operation": "op-1", "key": "off:vm-2", "says": "", "command": {}})

    async def all_told() -> None:
        await asyncio.gather(*(tell(*telling) for telling in tellings))

    try:
        loop.run_until_complete(all_told())
    finally:
        loop.close()
        journal.close()
    return journal.writes


def test_what_waits_for_the_disk_goes_with_what_is_given_next(tmp_path: Path) -> None:
    writes = recorded(tmp_path, (0, facts.TASK), (0, facts.OUTCOME), (0, facts.INTENT))
    assert writes == [[facts.TASK, facts.OUTCOME, facts.INTENT]]


def test_what_comes_while_the_disk_rests_goes_by_one_write(tmp_path: Path) -> None:
    """As long as a write took nothing else was done: the next one waits as long, and takes more with it."""
    later = [(WRITE_S + ms / 1000, facts.OUTCOME) for ms in (1, 3, 5, 7)]
    writes = recorded(tmp_path, (0, facts.OUTCOME), *later)
    assert writes == [[facts.OUTCOME], [facts.OUTCOME] * 4]


def test_tasks_that_were_begun_go_with_what_comes_next(tmp_path: Path) -> None:
    """Nobody waits for them to be written: a task is not asked for at once either."""
    tasks = [(ms / 1000, facts.TASK) for ms in (0, 4, 8, 12)]
    assert recorded(tmp_path, *tasks) == [[facts.TASK] * 4]
    (tmp_path / "more").mkdir()
    writes = recorded(tmp_path / "more", *tasks, (0.014, facts.OUTCOME), (0.1, facts.TASK))
    assert writes == [[*[facts.TASK] * 4, facts.OUTCOME], [facts.TASK]]


def test_where_little_goes_on_nothing_waits(tmp_path: Path) -> None:
    later = [(WRITE_S + ms / 1000, facts.OUTCOME) for ms in (1, 12)]
    writes = recorded(tmp_path, (0, facts.TASK), *later, crowded=False)
    assert writes == [[facts.TASK], [facts.OUTCOME], [facts.OUTCOME]]
