"""A run that its site keeps: what is to be kept is made once for each change of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from drdeck.controller.journal.runs import RunRecord
from drdeck.controller.plans import run_keeping
from drdeck.controller.plans.run_keeping import RunKeeping
from drdeck.controller.plans.run_notes import kept
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model.plans.run_note import KeptRun, RunMark, RunNote
from drdeck.model.times import utcnow
from tests.support.fakesite import FakeSite
from tests.support.plans.plan_build import frozen, run


class KeepingSite(FakeSite):
    """Keeps the marks of runs as they were written last."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, RunMark] = {}
        self.writes = 0

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        self.writes += 1
        self.marks.update(marks)

    async def forget_run(self, ident: str) -> None:
        self.marks.clear()


async def test_it_is_made_and_written_once_however_often_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, makes = KeepingSite(), list[str]()

    def counted(record: RunRecord) -> KeptRun:
        makes.append(record.id)
        return kept(record)

    monkeypatch.setattr(run_keeping, "kept", counted)
    keeping = RunKeeping(site, SiteWatcher(site, utcnow, lambda: 0.0), dict)
    record = run(frozen({"1": ["a", "b"]}))
    for _ in range(5):
        await keeping.follow(record)
    assert (len(makes), site.writes) == (1, 1)
    paused = msgspec.structs.replace(record, paused="by ann")
    for _ in range(5):
        await keeping.follow(paused)
    assert (len(makes), site.writes) == (2, 2)
    assert site.marks == kept(paused).marks
