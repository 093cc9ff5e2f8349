"""A request that lies on its way for longer than drdeck waits, and lands after it was repeated.

Whatever held it, a vCenter that hung or something between, it finds the session ended in whose name
it comes: before drdeck looks what became of it, it ends that session. So nothing is done twice, and
nothing that was written later is overwritten.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.faults.live import UNDISTURBED, VM, Live, all_points
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.flow import eventually as wait_until
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(900)
ALL = bool(os.environ.get("DRDECK_ALL_POINTS") or os.environ.get("CI"))
PARTS = 2
LANES = 6
BOOT_S = 0.02
REFUSED = "NotAuthenticated"


async def land_late(method: str, number: int, directory: Path, vcenter: VCenter) -> None:
    """The call of a method with that number is held until the step is over in which it was made."""
    directory.mkdir()
    live, late = Live(directory, vcenter, timeout="3s"), len(vcenter.late())
    if number > 1:
        vcenter.rule(method, "pass", times=number - 1)
    vcenter.hold(method)
    try:
        await live.begin()
        for step in (
            live.start,
            live.complete,
            lambda: live.roll_back(live.points[0]),
            lambda: live.roll_back(live.points[1]),
            live.leave,
        ):
            await step()
            vcenter.release()
        await eventually(lambda: len(vcenter.late()) > late)
    finally:
        await live.end()
        vcenter.clear_rules()
    assert vcenter.late()[late:] == [(method, REFUSED)]
    truth = live.truth()
    late_call = Counter({method: 1} if method in UNDISTURBED.acts else {})
    assert truth == UNDISTURBED._replace(acts=dict(Counter(UNDISTURBED.acts) + late_call)), live.history()
    assert live.sessions() == 1 and live.wrong_in_journal() == []


@pytest.mark.parametrize("part", range(PARTS))
async def test_each_call_of_a_flow(part: int, tmp_path: Path, vcsim_built: None) -> None:
    async with vcenters(1, BOOT_S) as servers:
        points = await all_points(tmp_path / "undisturbed", servers[0])
    calls, numbers = [("AddCustomFieldDef", 1)], Counter[str]()
    for line in points:
        point, _, method = line.partition(" ")
        if point.startswith("unsent:"):
            numbers[method] += 1
            calls.append((method, numbers[method]))
    if not ALL:  # each kind of call
        calls = [call for call in calls if call[1] == 1 or (call[0] == "SetField" and call[1] % 6 == 0)]

    async def land_one(call: tuple[str, int], vcenter: VCenter) -> None:
        await land_late(*call, tmp_path / f"{call[0]}-{call[1]}", vcenter)

    await side_by_side(land_one, calls[part::PARTS], LANES, BOOT_S)


def test_those_of_a_planned_failover(tmp_path: Path, recovery: VCenter, protected_vcenter: VCenter) -> None:
    flow = Flow(tmp_path, recovery, protected_vcenter, {DOMAIN: [VM]})
    config = flow.deck.config
    config.write_text(config.read_text("utf-8").replace("\nurl =", '\ntimeout = "3s"\nurl ='), "utf-8")
    try:
        protected_vcenter.hold("ShutdownGuest")
        recovery.hold("ReconfigVM_Task")
        flow.start()
        flow.complete("planned", "--network", "DC0_DVPG0=VM Network", "--wait", code=4)
        assert protected_vcenter.power(VM) == "off"
        recovery.make_snapshot(VM, "replica last")
        flow.until(lambda d: d["mode"] == "running_in_failover" and d["operation"] is None)
        assert recovery.networks(VM) == ["VM Network"] and recovery.power(VM) == "on"
        protected_vcenter.power_on(VM)  # as people do, who have found something there
        for vcenter in (protected_vcenter, recovery):
            vcenter.release()
        wait_until(lambda: protected_vcenter.late() and recovery.late())
        assert protected_vcenter.late() == [("ShutdownGuest", REFUSED)]
        assert recovery.late() == [("ReconfigVM_Task", REFUSED)]
        assert protected_vcenter.power(VM) == "on" and recovery.networks(VM) == ["VM Network"]
    finally:
        flow.stop()
