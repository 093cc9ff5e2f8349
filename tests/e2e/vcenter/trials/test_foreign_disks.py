"""A disk of others at a test VM: it is detached where that was consented to, and its file stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.calls.call_arguments import TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.trials import trial_removal
from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import digest
from drdeck.sites.vsphere.vcenter.calls.trials.trial_removal import Removed
from tests.support.life.bubble import (
    OTHER,
    SOURCE,
    SPOILED,
    Bubble,
    bubble,
    cloned_again,
    disk_of_a_clone_elsewhere,
    disk_of_its_own,
    foreign_disk,
    independent,
    moved,
    other_base,
    other_id,
    own_disk_of_the_source,
    run,
    snapshot,
    unmarked,
)
from tests.support.vcenter import rehearsing

__all__ = ["bubble"]
FOREIGN = (foreign_disk, own_disk_of_the_source, disk_of_a_clone_elsewhere)


def consent(b: Bubble, *files: str) -> None:
    """The operator agreed that these are detached; nothing named: all that are attached now."""
    files = files or tuple(file for file, _ in rehearsing.disk_files(b.vcenter, b.clone))
    b.args["detach"] = " ".join(map(digest, files))


def removal(b: Bubble) -> Any:
    return trial_removal.remove_test(b.session, b.clone._moId, TrialVmArguments.of(b.args))


@pytest.mark.parametrize("spoil", FOREIGN, ids=[spoil.__name__ for spoil in FOREIGN])
def test_it_goes_without_the_disk_whose_file_stays(bubble: Bubble, spoil: Callable[[Bubble], None]) -> None:
    spoil(bubble)
    bubble.vcenter.power_on(bubble.clone)
    file = rehearsing.disk_files(bubble.vcenter, bubble.clone)[-1][0]
    consent(bubble)
    assert bubble.remove() == Removed()
    assert [x.shared for x in rehearsing.destroyed(bubble.vcenter)] == [()]
    rehearsing.attach_disk(bubble.vcenter, bubble.vcenter.vm(OTHER), file)


def test_powered_off_with_it_by_consent_only(bubble: Bubble) -> None:
    foreign_disk(bubble)
    bubble.vcenter.power_on(bubble.clone)
    for consented in (False, True):
        if consented:
            consent(bubble)
        steps = trial_removal.power_off_test(
            bubble.session, bubble.clone._moId, TrialVmArguments.of(bubble.args)
        )
        answer = run(bubble.vcenter, steps)
        assert ("not in its own directory" in answer) != consented
        assert (bubble.vcenter.power(bubble.clone) == "off") == consented


OF_EACH_CONDITION = (
    other_id, unmarked, moved, snapshot, independent, disk_of_its_own, other_base, cloned_again,
)  # fmt: skip
OTHERWISE = [(spoil, says) for spoil, says in SPOILED if spoil in OF_EACH_CONDITION]


@pytest.mark.parametrize(("spoil", "says"), OTHERWISE, ids=[spoil.__name__ for spoil, _ in OTHERWISE])
def test_one_that_fails_another_condition_keeps_all(
    bubble: Bubble, spoil: Callable[[Bubble], None], says: str
) -> None:
    """Not even what was consented to is detached: it may not be a test VM, or somebody works with it."""
    foreign_disk(bubble)
    spoil(bubble)
    disks = rehearsing.disk_files(bubble.vcenter, bubble.clone)
    consent(bubble)
    assert says in bubble.remove().left
    assert rehearsing.disk_files(bubble.vcenter, bubble.clone) == disks
    assert rehearsing.destroyed(bubble.vcenter) == []


def test_one_that_was_attached_after_the_consent_stays(bubble: Bubble) -> None:
    consent(bubble)
    foreign_disk(bubble)
    assert "not in its own directory" in bubble.remove().left
    assert len(rehearsing.disk_files(bubble.vcenter, bubble.clone)) == 2


def test_what_is_read_back_counts(bubble: Bubble) -> None:
    """Somebody attaches it again, before the test VM goes."""
    foreign_disk(bubble)
    consent(bubble)
    steps = removal(bubble)
    bubble.vcenter.done(next(steps))
    foreign_disk(bubble)
    with pytest.raises(StopIteration) as over:
        next(steps)
    assert "not in its own directory" in msgspec.json.decode(over.value.value, type=Removed).left


def test_one_that_cannot_be_detached_is_named(bubble: Bubble) -> None:
    foreign_disk(bubble)
    consent(bubble)
    steps = removal(bubble)
    next(steps)
    with pytest.raises(StopIteration) as over:
        steps.throw(vim.fault.InvalidDeviceSpec(msg="Invalid configuration for device '0'."))
    left = msgspec.json.decode(over.value.value, type=Removed).left
    ((file, _),) = rehearsing.disk_files(bubble.vcenter, OTHER)
    assert f"its disk {file} could not be detached: Invalid configuration for device" in left


@pytest.mark.parametrize(
    "fault", [vim.fault.TaskInProgress(), vmodl.fault.HostCommunication()], ids=["busy", "host lost"]
)
def test_a_fault_that_leaves_it_open_is_no_end(bubble: Bubble, fault: Exception) -> None:
    """It is tried again, or looked at, by who gives the call."""
    foreign_disk(bubble)
    consent(bubble)
    steps = removal(bubble)
    next(steps)
    with pytest.raises(type(fault)):
        steps.throw(fault)


def test_given_again_after_a_lost_answer_it_goes_on(bubble: Bubble) -> None:
    """The disk was detached, and nobody saw it: what is there is read first."""
    foreign_disk(bubble)
    consent(bubble)
    bubble.vcenter.done(next(removal(bubble)))
    before = bubble.vcenter.calls()
    assert bubble.remove() == Removed()
    assert (bubble.vcenter.calls() - before)["ReconfigVM_Task"] == 0
    assert bubble.vcenter.snapshots(SOURCE) and rehearsing.destroyed(bubble.vcenter)
