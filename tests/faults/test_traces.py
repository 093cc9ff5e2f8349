"""An act that a VM does not show, and whose answer was lost: it is looked up what became of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from drdeck.model.actions.request import Request
from tests.support.faults.jump_hosts import go_on, jump_hosts, outcomes, take_over
from tests.support.faults.lanes import side_by_side
from tests.support.faults.live import VM, Live, OperatorNeeded
from tests.support.vcenter.flow import Flow, settings
from tests.support.vcenter.flow import eventually as wait_until
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
BOOT_S = 0.02
REVERT = "RevertToSnapshot_Task"
HISTORY = "CreateCollectorForTasks"
SLOW_MS = 400


async def in_session(live: Live) -> Counter[str]:
    """A session is active; the calls until then."""
    await live.begin()
    await live.start()
    await live.complete()
    return live.vcenter.calls()


def since(vcenter: VCenter, before: Counter[str]) -> tuple[int, int]:
    """Reverts that were asked for since, and looks into the history of tasks."""
    calls = vcenter.calls() - before
    return calls[REVERT], calls[HISTORY]


async def dies_in_a_rollback(live: Live) -> str:
    """As soon as vCenter has taken the revert in; the rollback's id."""
    await live.end()
    await live.begin(f"sent:{REVERT}")
    await live.until(live.active)
    ident = await live.ask(rollback(live.points[0]))
    assert live.process is not None
    await asyncio.to_thread(live.process.wait)
    await live.end()
    return ident


def rollback(to: datetime) -> Request:
    return Request(action="pitr_run", domain=DOMAIN, to=to)


async def over(vcenter: VCenter) -> None:
    """Until the VM has no task any more that goes on."""

    def ended() -> bool:
        tasks = vcenter.read(vcenter.vm(VM), "recentTask")["recentTask"]
        return all(vcenter.read(task, "info.state")["info.state"] == "success" for task in tasks)

    await eventually(ended)
    assert vcenter.standing_on(VM) == "replica 0"


async def retry(live: Live, ident: str) -> None:
    """Answer so, and wait until that is seen."""
    client = await live.alive()
    await client.answer(ident, "retry")

    def taken() -> bool:
        op = live.operation(ident)
        return op is not None and op.question is None

    await eventually(taken)


@pytest.mark.parametrize(
    ("how", "looked"), [("pass", 0), ("lose", 0), ("slow", 0), ("drop", 1)], ids=["", "over", "running", "no"]
)
async def test_an_answer_is_lost(how: str, looked: int, tmp_path: Path, recovery: VCenter) -> None:
    """Over, running, or never begun. While nothing is lost nothing is looked up."""
    live = Live(tmp_path, recovery)
    try:
        before = await in_session(live)
        recovery.rule(REVERT, how, times=1, ms=SLOW_MS, lost=True)
        await live.roll_back(live.points[0])
        assert since(recovery, before) == (2 if how == "drop" else 1, looked)
        assert outcomes(live) == ([] if how == "pass" else ["unknown"])
    finally:
        await live.end()
    assert live.journal_texts("alarm") == []


async def test_it_has_failed_meanwhile(tmp_path: Path, recovery: VCenter) -> None:
    """That is told in its words, and not tried again before somebody says so."""
    live = Live(tmp_path, recovery)
    try:
        before = await in_session(live)
        recovery.rule(REVERT, "fail", times=1, text="The parent disk was modified.", lost=True)
        with pytest.raises(OperatorNeeded, match="The parent disk was modified"):
            await live.roll_back(live.points[0])
        assert since(recovery, before) == (1, 0)
        ident = next(op.id for op in live.operations() if op.action == "pitr_run")
        await retry(live, ident)
        await live.until(lambda: live.ended(ident) and live.active())
        assert since(recovery, before) == (2, 0), "what failed before is no reason not to try now"
        assert outcomes(live) == ["unknown", "refused"]
    finally:
        await live.end()


def nothing(vcenter: VCenter) -> None:
    pass


def not_recent(vcenter: VCenter) -> None:
    vcenter.forget_tasks()


def forgotten(vcenter: VCenter) -> None:
    vcenter.forget_tasks(history=True)


def reverted_by_others(vcenter: VCenter) -> None:
    Somebody(vcenter, "j.doe@corp.example", "10.0.0.7").revert(VM, "replica 2")


def written_by_others(vcenter: VCenter) -> None:
    joe = Somebody(vcenter, "j.doe@corp.example", "10.0.0.7")
    joe.power_on(VM)
    joe.power_off(VM)


def reverted_alike_by_others(vcenter: VCenter) -> None:
    """Their task is not ours: which of the two it was nobody can tell."""
    forgotten(vcenter)
    Somebody(vcenter, "j.doe@corp.example", "10.0.0.7").revert(VM, "replica 0")


MEANWHILE: tuple[tuple[Callable[[VCenter], None], int, int], ...] = (
    (nothing, 1, 0),
    (not_recent, 1, 1),
    (forgotten, 2, 1),
    (reverted_by_others, 3, 0),
    (written_by_others, 2, 0),
    (reverted_alike_by_others, 3, 1),
)
"""What happens after a revert while no controller lives, reverts of everybody, looks into the history."""


async def test_it_is_over_when_the_next_controller_comes(tmp_path: Path, vcsim_built: None) -> None:
    async def on_vcenter(case: tuple[Callable[[VCenter], None], int, int], vcenter: VCenter) -> None:
        meanwhile, reverts, looked = case
        directory = tmp_path / meanwhile.__name__
        directory.mkdir()
        live = Live(directory, vcenter)
        try:
            before = await in_session(live)
            ident = await dies_in_a_rollback(live)
            await over(vcenter)
            await asyncio.to_thread(meanwhile, vcenter)
            await live.begin()
            await live.until(lambda: live.ended(ident) and live.active())
            assert since(vcenter, before) == (reverts, looked), live.history()
            assert vcenter.standing_on(VM) == "replica 0" and vcenter.power(VM) == "on"
            await live.roll_back(live.points[0])
            assert since(vcenter, before) == (reverts + 1, looked), "another rollback is another one"
        finally:
            await live.end()

    await side_by_side(on_vcenter, MEANWHILE, 3, BOOT_S)


async def test_it_runs_when_the_next_controller_comes(tmp_path: Path, recovery: VCenter) -> None:
    live = Live(tmp_path, recovery)
    try:
        before = await in_session(live)
        recovery.slow(REVERT, VM, 1500, times=1)
        ident = await dies_in_a_rollback(live)
        await live.begin()
        await live.until(lambda: live.ended(ident) and live.active())
        assert since(recovery, before) == (1, 0)
    finally:
        await live.end()
    assert live.journal_texts("alarm") == []


async def test_another_driver_with_an_account_of_its_own_goes_on(tmp_path: Path, recovery: VCenter) -> None:
    anna, bob = jump_hosts(tmp_path, recovery)
    recovery.control("user", text="bob@vsphere.local", target="10.0.0.8")
    text = bob.deck.config.read_text("utf-8")
    bob.deck.config.write_text(text.replace(recovery.user, "bob@vsphere.local"), "utf-8")
    try:
        before = await in_session(anna)
        await dies_in_a_rollback(anna)
        await over(recovery)
        await bob.begin()
        await take_over(bob)
        ident = next(op.id for op in bob.operations() if op.action == "pitr_run")
        await bob.until(lambda: bob.ended(ident) and bob.active())
        assert since(recovery, before) == (1, 0)
        await go_on(bob, 2)
    finally:
        await anna.end()
        await bob.end()


async def test_another_driver_tries_again_what_failed_once_it_is_told_to(
    tmp_path: Path, recovery: VCenter
) -> None:
    anna, bob = jump_hosts(tmp_path, recovery)
    try:
        before = await in_session(anna)
        recovery.rule(REVERT, "fail", times=1, text="The parent disk was modified.")
        with pytest.raises(OperatorNeeded, match="The parent disk was modified"):
            await anna.roll_back(anna.points[0])
        await anna.end()
        await bob.begin()
        await take_over(bob)
        with pytest.raises(OperatorNeeded, match="The parent disk was modified"):
            await bob.until(bob.active)
        ident = next(op.id for op in bob.operations() if op.action == "pitr_run")
        await retry(bob, ident)
        await bob.until(lambda: bob.ended(ident) and bob.active())
        assert since(recovery, before) == (2, 0)
    finally:
        await anna.end()
        await bob.end()


@pytest.mark.parametrize(("how", "more"), [("ignore", 1), ("drop", 2)])
def test_a_guest_is_asked_to_shut_down_once(
    how: str, more: int, tmp_path: Path, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """A VM that shuts down does not show it before it is off; that its guest was asked is in the events."""
    flow = Flow(tmp_path, recovery, protected_vcenter, toml=settings(extra='shutdown_timeout = "60s"'))
    slow = VMS[0]
    try:
        before = protected_vcenter.calls()
        protected_vcenter.rule("ShutdownGuest", how, slow, times=1, lost=True)
        if how == "drop":
            protected_vcenter.rule("ShutdownGuest", "ignore", slow, times=1)
        flow.start()
        flow.complete("planned")
        key = f"shutdown:1:{protected_vcenter.vm(slow)._moId}"
        results: list[str] = []

        def answered() -> bool:
            results[:] = [e["data"]["result"] for e in flow.journal("outcome") if e["data"]["key"] == key]
            return results == ["unknown", "done"]

        wait_until(answered, lambda: json.dumps(results))
        assert (protected_vcenter.calls() - before)["ShutdownGuest"] == len(VMS) - 1 + more
        assert protected_vcenter.power(slow) == "on"
        protected_vcenter.power_off(slow)
        flow.until(lambda d: d["question"] and "confirm" in d["question"]["choices"])
    finally:
        flow.stop()
