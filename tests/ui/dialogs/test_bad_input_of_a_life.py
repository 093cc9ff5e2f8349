"""What an operator may get wrong in a domain's life, by keyboard: each is refused by the controller of a
vCenter, with the sentence and the way out on the screen, and nothing is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from drdeck.model.facts.trial_facts import TrialState
from tests.support.life.keyboard import Operator
from tests.support.life.seat import seated
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

Keys = Callable[[Operator], Awaitable[None]]
CONSENT = ("--confirm", DOMAIN, "--even-though", "answers,vms-running")


def nothing(tests: TrialFlow) -> None:
    """The domain is imported, and that is all."""


async def of_the_form(operator: Operator) -> None:
    """Open the form of a test, which looks at the site, and press its yes all the same."""
    await operator.deck.more("Test Failover")
    await operator.deck.sees("Test Failover of Protected Domain", "Isolated Network")


def of_the_palette(name: str) -> Keys:
    """Type its name where no menu has it, and choose it."""

    async def keys(operator: Operator) -> None:
        if operator.domain.session is not None:  # who comes into a failover is greeted with it
            await operator.deck.sees("A failover is in progress")
            await operator.deck.press("enter")
        await operator.deck.press("colon")
        await operator.deck.sees("Every act, domain, VM and site")
        await operator.deck.type(name)
        await operator.deck.press("enter")

    return keys


def of_more(label: str) -> Keys:
    """Choose it from the menu."""

    async def keys(operator: Operator) -> None:
        await operator.deck.more(label)

    return keys


def no_room(tests: TrialFlow) -> None:
    tests.recovery.set_room("LocalDS_0", 0, 1)


def in_a_session(tests: TrialFlow) -> None:
    tests.flow.start()
    tests.flow.complete("force", "--run-pitr", "--wait")


def runs_here(tests: TrialFlow) -> None:
    tests.flow.start()
    tests.flow.complete("force", "--wait")
    # its first point comes by itself
    eventually(lambda: all("drdeck-" in str(tests.flow.names(vm)[4:]) for vm in VMS))


def committed(tests: TrialFlow) -> None:
    runs_here(tests)
    tests.flow.deck.run("failover", "commit", DOMAIN, "--wait")


def not_owned_there(tests: TrialFlow) -> None:
    """The VMs are off here, and the other side's record says that it does not own the domain."""
    committed(tests)
    for vm in VMS:
        tests.recovery.power_off(vm)
    assert tests.flow.protected is not None
    tests.flow.protected.set_attribute(DOMAIN, "drdeck.mode", json.dumps({"mode": "cfo", "by": "op-there"}))
    tests.flow.until(lambda d: all(vm["power"] == "off" for vm in d["vms"]))


class Case(NamedTuple):
    """How things stand, the keys, what is read then (the reason, the way out), and how the flow is made."""

    stands: Callable[[TrialFlow], None]
    keys: Keys
    says: tuple[str, ...]
    flow: dict[str, Any] = {}


CASES = {
    "no room for a test": Case(
        no_room,
        of_the_form,
        (
            "Not possible now: On LocalDS_0 the test VMs need",
            "and 0 B are free. Make room, or test fewer VMs",
        ),
        {"space": "10%"},
    ),
    "a network that is not isolated": Case(
        nothing,
        of_more("Test Failover"),
        (
            f'"{rehearsing.BUBBLE}" is not isolated: it has an uplink on',
            "isolate it, or name another one in [sites.NAME.test]",
        ),
        {"uplink": True},
    ),
    "a test in a session": Case(
        in_a_session,
        of_the_palette("test failover"),
        ("has a PITR session; a test stands on restore points",),
    ),
    "a test of a domain that runs here": Case(
        runs_here, of_the_palette("test failover"), ("a test is for a domain that is not owned here",)
    ),
    "an undo after the commit": Case(
        committed, of_the_palette("undo failover"), ("was committed at", "it cannot be undone any more")
    ),
    "a release while VMs run here": Case(
        runs_here,
        of_more("Release Domain"),
        (
            "are not off here, so that nobody else may own it: erp-app01, erp-db01, erp-web01;",
            "a Planned Failover there shuts them down",
        ),
    ),
    "a release that the other side's record speaks against": Case(
        not_owned_there,
        of_more("Release Domain"),
        ("the record at the other side says that it does not own", "complete its failover there first"),
    ),
    "a commit while nothing runs here": Case(
        nothing, of_the_palette("commit"), ("only a failover that runs here can be committed",)
    ),
    "a failback where no data moves": Case(
        nothing, of_the_palette("failback"), ("it moves no data. Turn the direction round", "drdeck way-back")
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_on_the_screen(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter, case: str
) -> None:
    stands, keys, says, more = CASES[case]
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter, **more)
    stands(tests)
    before = tests.flow.truth()

    async def by_keyboard() -> None:
        async with seated(tests.flow.deck, DOMAIN) as operator:
            await keys(operator)
            await operator.deck.sees(*says)
            await operator.deck.press("enter", "enter", "enter", "enter")  # who insists is refused again
            await operator.deck.settle()
            await operator.deck.press("escape")
            await operator.closed()

    asyncio.run(by_keyboard())
    assert tests.flow.truth() == before and tests.clones() == []


def test_a_release_that_the_other_side_has_no_record_of_is_typed(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """Nobody can tell whether it owns the domain: the operator says so, by the name."""
    tests = TrialFlow(make_flow, recovery, protected=protected_vcenter)
    committed(tests)
    for vm in VMS:
        recovery.power_off(vm)
    tests.flow.until(lambda d: all(vm["power"] == "off" for vm in d["vms"]))
    before = tests.flow.truth()

    async def by_keyboard() -> None:
        async with seated(tests.flow.deck, DOMAIN) as operator:
            await operator.deck.more("Release Domain")
            await operator.deck.sees("No record at the other side", "Waits for replicas until each VM")
            await operator.deck.type("erp")
            await operator.deck.press("enter", "enter")
            await operator.deck.sees("Release Domain")
            assert tests.flow.truth() == before, "a part of the name is none"
            await operator.deck.press("escape")
            await operator.closed()

    asyncio.run(by_keyboard())
    assert tests.flow.truth() == before


def test_a_name_that_is_taken_gets_a_number(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    name = f"drdeck-test-{DOMAIN}-{VMS[0]}"
    rehearsing.clone(recovery, VMS[0], tests.folder, name, "replica 2")

    async def by_keyboard() -> None:
        async with seated(tests.flow.deck, DOMAIN) as operator:
            await operator.begins_test()
            await operator.deck.more("End Test")
            await operator.deck.sees(f"{name}-2")
            await operator.deck.press("escape")
            await operator.closed()
            await operator.ends_test()
            await operator.until(lambda d: d.trial is None, "the test is over")

    asyncio.run(by_keyboard())
    assert tests.clones() == [name], "somebody else's stays"


def test_a_point_that_is_younger_than_a_running_task_is_asked_about(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, extra='task_timeout = "1s"')
    recovery.slow("CreateSnapshot_Task", VMS[0], 3_600_000, times=1)
    recovery.vm(VMS[0]).CreateSnapshot_Task("a tool's", "", False, False)

    async def by_keyboard() -> None:
        async with seated(tests.flow.deck, DOMAIN) as operator:
            await operator.asks_for_test()
            await operator.deck.sees("1 ASK")
            await operator.deck.press("a")
            await operator.deck.sees(f"wait for the task of others on {VMS[0]}")
            assert f"drdeck-test-{DOMAIN}-{VMS[0]}" not in tests.clones()
            recovery.release()
            await operator.deck.press("enter")
            await operator.closed()
            running = TrialState.RUNNING
            await operator.until(lambda d: d.trial and d.trial.state is running, "the test runs")

    asyncio.run(by_keyboard())
