"""A vCenter that stands still for some seconds, as it may when busy: said, and nothing is read anew."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.faults.live import Live
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

PAUSE_S = 4.0
ANEW = ("Login", "CreateContainerView", "CreatePropertyCollector", "CreateFilter", "FindByInventoryPath")


async def test_a_pause_of_four_seconds(tmp_path: Path, vcenter: VCenter) -> None:
    live = Live(tmp_path, vcenter)
    try:
        await live.begin()
        await live.until(lambda: live.error is None)
        await eventually(lambda: vcenter.calls()["WaitForUpdatesEx"] >= 2)
        vcenter.content  # noqa: B018  (the test's own calls are made before counting)
        machine = vcenter.vm("erp-db01")
        assert live.shown and live.shown.vms_total == 1
        before = vcenter.calls()
        os.kill(vcenter.pid, signal.SIGSTOP)
        watch = live.stopwatch()
        try:
            await live.until(lambda: live.error)
            await eventually(lambda: watch.seconds() >= PAUSE_S)
        finally:
            os.kill(vcenter.pid, signal.SIGCONT)
        await live.until(lambda: live.error is None)
        after = vcenter.calls() - before
        assert not any(after[call] for call in ANEW), after
        machine.Destroy_Task()
        await live.until(lambda: live.shown and live.shown.vms_total == 0)
        assert not any((vcenter.calls() - before)[call] for call in ANEW)
    finally:
        await live.end()
