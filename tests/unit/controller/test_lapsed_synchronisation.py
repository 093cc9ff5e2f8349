"""A domain that fell behind is told from one that begins."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.controller.site_watcher import LapsedSynchronisation
from drdeck.model.domains import Domain, Mode, Owner, Step
from tests.support.controlling import controlling
from tests.support.fakesite import FakeSite
from tests.support.operation_build import operation
from tests.support.waiting import eventually

SYNCED, BEHIND, IMPORTED = Mode.SYNCHRONISED, Mode.REHYDRATING, Mode.IMPORTED
COMPLETING, RUNNING = Mode.COMPLETING, Mode.RUNNING_IN_FAILOVER


def with_lapse(again: LapsedSynchronisation, mode: Mode) -> Domain:
    view = FakeSite()._view()
    step = Step(number=1, of=1, label="Wait", detail="no replica yet of app")
    lapsing = Domain(
        id="erp", name="erp", mode=mode, owner=Owner.REMOTE, vms_total=2, vms_recoverable=1, step=step
    )
    return again.with_remarks(msgspec.structs.replace(view, domains=(lapsing,))).domains[0]


@pytest.mark.parametrize(
    ("modes", "again"),
    [
        ([BEHIND], False),
        ([IMPORTED, BEHIND, BEHIND], False),
        ([BEHIND, SYNCED, BEHIND], True),
        ([SYNCED, BEHIND, BEHIND], True),
        ([SYNCED, COMPLETING, BEHIND], True),
        ([SYNCED, BEHIND, SYNCED], False),
        ([SYNCED, IMPORTED, BEHIND], False),
        ([SYNCED, RUNNING, IMPORTED, BEHIND], False),
    ],
)
def test_only_what_was_synchronised_rehydrates_again(modes: list[Mode], again: bool) -> None:
    teller = LapsedSynchronisation(())
    last = [with_lapse(teller, mode) for mode in modes][-1]
    assert last.again == ("1 of 2 VMs are not Recoverable: no replica yet of app" if again else "")
    assert (last.mode_label == "Continuous Rehydration again") is again
    assert last.mode is modes[-1], "the code stays"


@pytest.mark.parametrize(("state", "again"), [("done", True), ("open", False), ("failed", False)])
def test_after_a_start_the_journal_knows(state: str, again: bool) -> None:
    start = operation("cfo_start")
    request = msgspec.structs.replace(start.request, domain="erp")
    begun = msgspec.structs.replace(start, request=request, state=OperationState(state))
    assert bool(with_lapse(LapsedSynchronisation([begun]), BEHIND).again) is again


async def test_a_controller_tells_it(tmp_path: Path) -> None:
    site = FakeSite()
    async with controlling(site, tmp_path / "journal.db") as controller:
        await eventually(lambda: controller.view is not None)
        site.set(mode=BEHIND, vms_recoverable=1)
        await site.news()
        await eventually(lambda: controller.desk.domain("erp").again == "1 of 2 VMs are not Recoverable")
