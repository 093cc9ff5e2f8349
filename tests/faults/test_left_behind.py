"""A request that lies on its way while its controller is killed, and lands when the next one has gone on.

The killed one cannot end its session: the next one does, before it looks what became of the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType
from tests.support.faults.jump_hosts import go_on, jump_hosts, outcomes, steps, take_over
from tests.support.faults.lanes import side_by_side
from tests.support.faults.live import ACTS, OTHER, UNDISTURBED, VM, Live
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.flow import eventually as wait_until
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(900)
LANES = 5
BOOT_S = 0.02
REFUSED = "NotAuthenticated"
TERMINATE = "Sessions.TerminateSession"
IN_FLOW = tuple(act for act in ACTS if act != "ReconfigVM_Task")
CALLS = [(act, 1) for act in IN_FLOW] + [("AddCustomFieldDef", 1)] + [("SetField", n) for n in (1, 5, 9, 13)]
"""Method and number of each call that is held; those of other networks and of the protected site below."""
STEPS = {"CreateSnapshot_Task": 1, "PowerOnVM_Task": 1, "RemoveSnapshot_Task": 4}
"""In which step of a flow a call comes first, where not in the first rollback."""


async def until_held(vcenter: VCenter, method: str, number: int, work: Coroutine[Any, Any, None]) -> Any:
    """Let the work go on until that call of a method is held on its way; the work, as it goes on."""
    before = vcenter.calls()
    if number > 1:
        vcenter.rule(method, "pass", times=number - 1)
    vcenter.hold(method)
    going = asyncio.create_task(work)
    await eventually(lambda: going.done() or (vcenter.calls() - before)[method] >= number, 60)
    assert not going.done(), f"{going}: done without {method} {number}"
    return going


async def drop(work: Any) -> None:
    """Nobody goes on with it: a cancel is lost when what it waits for comes at the same moment."""
    while not work.done():
        work.cancel()
        await asyncio.wait((work,), timeout=0.1)


def kill(live: Live) -> None:
    """kill -9; the work that goes on begins the next one."""
    assert live.process is not None
    os.kill(live.process.pid, signal.SIGKILL)


async def lands(vcenter: VCenter) -> list[tuple[str, str]]:
    """What became of what was held, now that it goes on."""
    before = len(vcenter.late())
    vcenter.release()
    await eventually(lambda: len(vcenter.late()) > before)
    vcenter.clear_rules()
    return vcenter.late()[before:]


def undisturbed(live: Live, method: str) -> None:
    """The end is as if nothing had happened, but for the call that was refused."""
    held_too = Counter({method: 1} if method in UNDISTURBED.acts else {})
    truth, acts = live.truth(), dict(Counter(UNDISTURBED.acts) + held_too)
    assert truth == UNDISTURBED._replace(acts=acts), live.history()
    assert live.wrong_in_journal() == []


async def test_the_next_controller_goes_on(tmp_path: Path, vcsim_built: None) -> None:
    async def on_vcenter(call: tuple[str, int], vcenter: VCenter) -> None:
        directory = tmp_path / f"{call[0]}-{call[1]}"
        directory.mkdir()
        live = Live(directory, vcenter)
        try:
            await live.begin()
            flow = await until_held(vcenter, *call, live.flow())
            kill(live)
            await flow
            assert live.deaths == 1
            assert await lands(vcenter) == [(call[0], REFUSED)]
        finally:
            await live.end()
        undisturbed(live, call[0])
        assert live.sessions() == 1

    await side_by_side(on_vcenter, CALLS, LANES, BOOT_S)


@contextlib.asynccontextmanager
async def held_at_anna(directory: Path, vcenter: VCenter, act: str) -> AsyncIterator[tuple[Live, Live, int]]:
    """Anna, whose call is held on its way, Bob beside her, and the step of hers that it is from."""
    anna, bob = jump_hosts(directory / act, vcenter)
    step = STEPS.get(act, 2)
    try:
        await anna.begin()
        await bob.begin()
        bob.before = anna.before
        for work in steps(anna)[:step]:
            await work()
        await drop(await until_held(vcenter, act, 1, steps(anna)[step]()))
        yield anna, bob, step
    except Exception as error:
        error.add_note(f"anna:\n{anna.history()}\nbob:\n{bob.history()}")
        raise
    finally:
        await anna.end()
        await bob.end()


async def test_another_jump_host_takes_over(tmp_path: Path, vcsim_built: None) -> None:
    async def on_vcenter(act: str, vcenter: VCenter) -> None:
        async with held_at_anna(tmp_path, vcenter, act) as (anna, bob, step):
            await anna.end()
            await take_over(bob)
            await go_on(bob, step)
            assert await lands(vcenter) == [(act, REFUSED)]
        undisturbed(bob, act)

    await side_by_side(on_vcenter, IN_FLOW, LANES, BOOT_S)


async def test_a_living_driver_that_is_taken_over_repeats_nothing(tmp_path: Path, vcsim_built: None) -> None:
    """Its call is refused as it lands; before it asks again it learns that it drives no more."""

    async def on_vcenter(act: str, vcenter: VCenter) -> None:
        async with held_at_anna(tmp_path, vcenter, act) as (anna, bob, step):
            await take_over(bob, DOMAIN)
            await go_on(bob, step)
            assert await lands(vcenter) == [(act, REFUSED)]
            await eventually(lambda: outcomes(anna))
            await anna.until(lambda: anna.domain_now and anna.domain_now.session is None)
            assert anna.journal_texts("alarm") == []
        undisturbed(bob, act)

    await side_by_side(on_vcenter, IN_FLOW, LANES, BOOT_S)


def test_those_of_a_planned_failover(tmp_path: Path, recovery: VCenter, protected_vcenter: VCenter) -> None:
    flow = Flow(tmp_path, recovery, protected_vcenter, {DOMAIN: [VM]})
    try:
        protected_vcenter.hold("ShutdownGuest")
        recovery.hold("ReconfigVM_Task")
        before = protected_vcenter.calls(), recovery.calls()
        flow.start()
        flow.complete("planned", "--network", "DC0_DVPG0=VM Network")
        wait_until(lambda: (protected_vcenter.calls() - before[0])["ShutdownGuest"] == 1)
        flow.kill()
        flow.until(lambda d: d["question"])
        assert protected_vcenter.power(VM) == "off"
        before = before[0], recovery.calls()
        recovery.make_snapshot(VM, "replica last")
        wait_until(lambda: (recovery.calls() - before[1])["ReconfigVM_Task"] == 1)
        flow.kill()
        flow.until(lambda d: d["mode"] == "running_in_failover" and d["operation"] is None)
        assert recovery.networks(VM) == ["VM Network"] and recovery.power(VM) == "on"
        protected_vcenter.power_on(VM)  # as people do, who have found something there
        for vcenter, method in ((protected_vcenter, "ShutdownGuest"), (recovery, "ReconfigVM_Task")):
            vcenter.release()
            wait_until(lambda v=vcenter: v.late())  # type: ignore[misc]
            assert vcenter.late() == [(method, REFUSED)]
        assert protected_vcenter.power(VM) == "on" and recovery.networks(VM) == ["VM Network"]
    finally:
        flow.stop()


async def test_without_the_privilege(tmp_path: Path, vcsim_built: None) -> None:
    """All goes on, and doctor says what may happen; that it does shows that the tests above can fail."""

    async def on_vcenter(act: str, vcenter: VCenter) -> None:
        vcenter.deny(TERMINATE)
        live = Live(tmp_path, vcenter)
        try:
            await live.begin()
            flow = await until_held(vcenter, act, 1, live.flow())
            kill(live)
            await flow
            undisturbed(live, act)
            findings = (await asyncio.to_thread(live.deck.json, "doctor"))["findings"]
            warnings = [f for f in findings if TERMINATE in f["text"]]
            assert [f["level"] for f in warnings] == ["warn"] and "may be carried out late" in warnings[0][
                "text"
            ]
            assert any(f["level"] == "ok" and f["subject"] == "privileges" for f in findings)
            assert f"no {TERMINATE}" in live.deck.log()
            assert await lands(vcenter) == [(act, "")]
            assert len(vcenter.snapshots(VM)) == len(UNDISTURBED.snapshots) + 1
        finally:
            await live.end()

    await side_by_side(on_vcenter, ["CreateSnapshot_Task"], 1, BOOT_S)


def other(live: Live) -> Domain | None:
    listing = live.client.listing if live.client else None
    return next((d for d in listing.domains if d.name == OTHER), None) if listing else None


async def test_a_colleague_at_work_is_left_alone(tmp_path: Path, vcsim_built: None) -> None:
    """By who starts, and by who begins with a domain that was last driven there."""

    async def on_vcenter(name: str, vcenter: VCenter) -> None:
        anna, bob = jump_hosts(tmp_path / name, vcenter)
        vcenter.add_domain(OTHER)
        vcenter.add_vm(OTHER, "x1", [("replica 0", anna.points[0])])
        try:
            await anna.begin()
            await anna.until(lambda: anna.domain_now)
            ident = await anna.ask(Request(action="cfo_start", domain=OTHER))
            await anna.until(lambda: anna.ended(ident))
            await anna.start()
            await anna.complete()
            hers = set(vcenter.sessions())
            for _ in range(3):
                await bob.end()
                await bob.begin()
                await bob.until(lambda: bob.domain_now and bob.domain_now.holder)
            assert hers < vcenter.sessions().keys()
            await bob.until(lambda: (row := other(bob)) and row.holder is None)
            force = Request(action="cfo_complete", domain=OTHER, type=FailoverType.FORCE, confirm=OTHER)
            ident = await bob.ask(force)
            await bob.until(lambda: bob.ended(ident))
            assert hers < vcenter.sessions().keys()
        finally:
            await anna.end()
            await bob.end()

    await side_by_side(on_vcenter, ["both"], 1, BOOT_S)
