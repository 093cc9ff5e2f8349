"""A test VM is destroyed only while all eight conditions hold; without each somebody would lose a VM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from drdeck.sites.vsphere.vcenter.calls.call_arguments import TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.rollback_call import power_off
from drdeck.sites.vsphere.vcenter.calls.trials import trial_removal
from drdeck.sites.vsphere.vcenter.calls.trials.trial_removal import Removed
from tests.support.life.bubble import (
    OTHER,
    SOURCE,
    SPOILED,
    Bubble,
    bubble,
    cloned_again,
    cloned_from,
    cloned_into_the_root,
    disk_of_a_clone_elsewhere,
    foreign_disk,
    moved,
    own_disk_of_the_source,
    raw_disk,
)
from tests.support.vcenter import rehearsing

__all__ = ["bubble"]


@pytest.mark.parametrize(("spoil", "says"), SPOILED, ids=[spoil.__name__ for spoil, _ in SPOILED])
def test_one_that_fails_a_condition_stays(bubble: Bubble, spoil: Callable[[Bubble], None], says: str) -> None:
    spoil(bubble)
    removed = bubble.remove()
    assert says in removed.left, removed
    assert rehearsing.destroyed(bubble.vcenter) == []


DESTROYED = [spoil for spoil, _ in SPOILED if spoil is not raw_disk]
"""The simulator's library cannot destroy a VM with a raw disk."""


@pytest.mark.parametrize("spoil", DESTROYED, ids=[spoil.__name__ for spoil in DESTROYED])
def test_without_the_conditions_vcenter_would_have_destroyed_it(
    bubble: Bubble, spoil: Callable[[Bubble], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(bubble)
    monkeypatch.setattr(trial_removal, "objection", lambda expected, conditions: None)
    assert bubble.remove().left == ""
    (destroyed,) = rehearsing.destroyed(bubble.vcenter)
    assert destroyed.vm == bubble.clone._moId
    if spoil in (
        foreign_disk, own_disk_of_the_source, disk_of_a_clone_elsewhere, cloned_again, cloned_into_the_root,
    ):  # fmt: skip
        assert destroyed.shared, "files of others went with it"


def test_the_id_is_that_of_the_clone_task_whatever_else_is_there(bubble: Bubble) -> None:
    mine = cloned_from(bubble, OTHER)
    assert mine.name == f"drdeck-test-erp-{OTHER}" and mine._moId != bubble.clone._moId


def test_a_lost_answer_finds_the_clone_of_this_test_and_this_vm_only(bubble: Bubble) -> None:
    """The second clone has the same marker, the third another one: of each VM and test there is one."""
    mine = cloned_from(bubble, OTHER)
    again = cloned_from(bubble, OTHER)
    later = cloned_from(bubble, OTHER, "op-2:ffeeddccbbaa99887766554433221100", "-2")
    assert again._moId == mine._moId and later._moId not in (mine._moId, bubble.clone._moId)


def test_what_changed_while_it_was_powered_off_counts(
    bubble: Bubble, monkeypatch: pytest.MonkeyPatch
) -> None:
    bubble.vcenter.power_on(bubble.clone)

    def meddling(session: Any, vm: str) -> Any:
        yield from power_off(session, vm)
        moved(bubble)

    monkeypatch.setattr(trial_removal, "power_off", meddling)
    assert "not in the test folder" in bubble.remove().left
    assert rehearsing.destroyed(bubble.vcenter) == []


def test_one_that_somebody_powers_on_meanwhile_stays(bubble: Bubble, monkeypatch: pytest.MonkeyPatch) -> None:
    bubble.vcenter.power_on(bubble.clone)

    def meddling(session: Any, vm: str) -> Any:
        yield from power_off(session, vm)
        bubble.vcenter.power_on(bubble.clone)

    monkeypatch.setattr(trial_removal, "power_off", meddling)
    assert "powered on again" in bubble.remove().left
    assert rehearsing.destroyed(bubble.vcenter) == []


def test_a_replica_that_loses_a_point_is_told(bubble: Bubble) -> None:
    rehearsing.base_in_use(bubble.vcenter, "lost")
    assert "went while its test VM was removed" in bubble.remove().replica


@pytest.mark.parametrize("running", [False, True], ids=["off", "on"])
def test_nothing_is_asked_between_the_conditions_and_the_destruction(bubble: Bubble, running: bool) -> None:
    """How the replica stands is read with them: the later call would leave time for somebody's change."""
    if running:
        bubble.vcenter.power_on(bubble.clone)
    methods: list[str] = []
    invoke = bubble.session.stub.InvokeMethod

    def listening(managed: Any, info: Any, args: Any, *more: Any) -> Any:
        methods.append(info.wsdlName)
        return invoke(managed, info, args, *more)

    steps = trial_removal.remove_test(bubble.session, bubble.clone._moId, TrialVmArguments.of(bubble.args))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bubble.session.stub, "InvokeMethod", listening)
        task = next(steps)
        if running:
            bubble.vcenter.done(task)
            methods.clear()
            task = next(steps)
    assert methods == ["RetrievePropertiesEx", "Destroy_Task"]
    bubble.vcenter.done(task)
    with pytest.raises(StopIteration):
        next(steps)


def test_a_replica_that_loses_a_disk_is_told(bubble: Bubble) -> None:
    ((file, _),) = rehearsing.disk_files(bubble.vcenter, SOURCE)
    steps = trial_removal.remove_test(bubble.session, bubble.clone._moId, TrialVmArguments.of(bubble.args))
    bubble.vcenter.done(next(steps))
    rehearsing.detach_disk(bubble.vcenter, bubble.vcenter.vm(SOURCE))
    with pytest.raises(StopIteration) as over:
        next(steps)
    removed = msgspec.json.decode(str(over.value.value), type=Removed)
    assert removed.replica == f"its disk {file} went while its test VM was removed"
