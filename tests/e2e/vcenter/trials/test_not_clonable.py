"""VMs that no test VM can be cloned from: named with the device before a test, and left out by --vm."""

from __future__ import annotations

import pytest

from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN), ("test", "end", DOMAIN)
DEVICES = {
    "rdm-virtual": "is a raw disk",
    "independent_persistent": "is independent of snapshots",
    "bus-shared": "it shares a SCSI bus with other VMs",
}


@pytest.mark.parametrize("kind", DEVICES)
def test_a_device_of_the_snapshot_keeps_it_from_being_tested(
    make_flow: MakeFlow, recovery: VCenter, kind: str
) -> None:
    recovery.hostile("disks", on=False)  # else no snapshot with some of them
    tests = TrialFlow(make_flow, recovery)
    recovery.add_device(VMS[0], kind)
    recovery.make_snapshot(VMS[0], "replica with it")
    tests.flow.until(lambda domain: tests.flow.vm(VMS[0])["restore_points"] == 4)
    rehearsal = tests.flow.deck.json(*START, "--dry-run", code=3)
    why = f"{VMS[0]}: "
    assert why in rehearsal["refusal"] and DEVICES[kind] in rehearsal["refusal"], rehearsal
    refusal = tests.flow.deck.run(*START, code=3).stderr
    assert DEVICES[kind] in refusal and "name the others with --vm" in refusal
    assert tests.clones() == [] and "CloneVM_Task" not in recovery.calls()

    tests.flow.deck.run(*START, "--vm", VMS[1], "--wait")
    assert len(tests.clones()) == 1
    tests.flow.deck.run(*END, "--wait")


def test_what_came_after_the_point_does_not_count(make_flow: MakeFlow, recovery: VCenter) -> None:
    """The clone is what the snapshot has: no raw disk."""
    tests = TrialFlow(make_flow, recovery)
    recovery.add_device(VMS[0], "rdm-virtual")
    tests.flow.deck.run(*START, "--vm", VMS[0], "--wait")
    tests.flow.deck.run(*END, "--wait")
