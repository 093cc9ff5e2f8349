"""A driver that is stopped between its look at the lease and its act, and wakes up when another drives."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from drdeck.model.actions.request import Request
from tests.support.faults.jump_hosts import LEASE, outcomes, take_over
from tests.support.faults.lanes import side_by_side
from tests.support.faults.live import ACTS, UNDISTURBED, Live
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
STOPS = (*ACTS[1:4], "SetField")
BOOT_S = 0.02


def stopped(live: Live) -> bool:
    assert live.process is not None
    stat = Path(f"/proc/{live.process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def written(vcenter: VCenter) -> dict[str, str]:
    """The domain's record, but for who drives it."""
    return {k: v for k, v in vcenter.attributes(DOMAIN).items() if not k.startswith("drdeck.lease")}


async def wakes_up(act: str, directory: Path, vcenter: VCenter) -> None:
    for name in ("jump1", "jump2"):
        (directory / name).mkdir(parents=True)
    anna = Live(directory / "jump1", vcenter, lease=LEASE)
    bob = Live(directory / "jump2", vcenter, lease=LEASE, beside=anna)
    try:
        await anna.begin()
        await anna.start()
        await anna.complete()
        await anna.end()
        await anna.begin(stop=f"unsent:{act}")
        await anna.until(anna.active)
        client = await anna.alive()
        await client.submit(Request(action="pitr_run", domain=DOMAIN, to=anna.points[0]))
        await eventually(lambda: stopped(anna))
        assert anna.process is not None

        await bob.begin()
        await take_over(bob)
        rollbacks = [op.id for op in bob.operations() if op.action == "pitr_run"]
        if act == "SetField":  # stopped before it could say at the site what was asked
            assert rollbacks == []
            await bob.roll_back(bob.points[0])
        else:
            await bob.until(lambda: bob.ended(rollbacks[0]) and bob.active())
        assert vcenter.power("erp-db01") == "on"
        before, record = vcenter.calls(), written(vcenter)

        os.kill(anna.process.pid, signal.SIGCONT)
        await eventually(lambda: outcomes(anna))
        if act != "SetField":  # that one was the renewal of its lease, which hides the other for a moment
            await anna.until(lambda: anna.domain_now and anna.domain_now.holder)
        assert outcomes(anna)[0] == "unreachable", "it never left"
        assert written(vcenter) == record and not any((vcenter.calls() - before)[did] for did in ACTS)
        assert vcenter.power("erp-db01") == "on"

        await bob.roll_back(bob.points[1])
        await bob.leave()
    except Exception as error:
        error.add_note(f"anna:\n{anna.history()}\nbob:\n{bob.history()}\n{vcenter.attributes(DOMAIN)}")
        raise
    finally:
        await anna.end()
        await bob.end()
    truth = bob.truth()
    assert truth._replace(acts={}) == UNDISTURBED._replace(acts={})
    assert anna.wrong_in_journal() == [] and bob.wrong_in_journal() == []


async def test_it_does_nothing(tmp_path: Path, vcsim_built: None) -> None:
    async def on_vcenter(act: str, vcenter: VCenter) -> None:
        await wakes_up(act, tmp_path / act, vcenter)

    await side_by_side(on_vcenter, STOPS, len(STOPS), BOOT_S)
