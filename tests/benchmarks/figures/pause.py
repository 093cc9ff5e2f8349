"""What drdeck asks a vCenter anew after one that stood still for some seconds."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

from tests.support.faults.live import Live
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

PAUSE_S = 4.0
ANEW = ("Login", "CreateContainerView", "CreatePropertyCollector", "CreateFilter", "FindByInventoryPath")


async def calls_after_a_pause(directory: Path, vcenter: VCenter) -> Counter[str]:
    """Calls from before the pause until a change after it was told."""
    live = Live(directory, vcenter)
    try:
        await live.begin()
        await live.until(lambda: live.error is None)
        await eventually(lambda: vcenter.calls()["WaitForUpdatesEx"] >= 2)
        vcenter.content  # noqa: B018  (the test's own calls are made before counting)
        machine = vcenter.vm("erp-db01")
        assert live.domain_now and live.domain_now.vms_total == 1
        before = vcenter.calls()
        os.kill(vcenter.pid, signal.SIGSTOP)
        watch = live.stopwatch()
        try:
            await live.until(lambda: live.error)
            await eventually(lambda: watch.seconds() >= PAUSE_S)
        finally:
            os.kill(vcenter.pid, signal.SIGCONT)
        await live.until(lambda: live.error is None)
        machine.Destroy_Task()
        await live.until(lambda: live.domain_now and live.domain_now.vms_total == 0)
        return vcenter.calls() - before
    finally:
        await live.end()
