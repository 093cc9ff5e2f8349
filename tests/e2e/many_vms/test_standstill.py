"""Nothing stands still: VMs that ask, tasks that never end and busy places hold nobody else up, and every
phase that waits for a task has its way out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.deck import SITE
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.vcsim import VCenter

STUCK, OTHER = "stuck", "other"
EIGHT = [f"s{number}" for number in range(8)]
TWO = ["o1", "o2"]
NEVER_MS = 3_600_000
SOON = "3s"
REMOVALS = 4
"""So many at a time on one datastore, unless the settings say otherwise."""
"""When a task counts as one that does not end: others take far less, however busy the machine is."""


def flow_of_two(
    make_flow: MakeFlow,
    recovery: VCenter,
    timeout: str = "1h",
    pitr: str = "enabled = true",
    undo: bool = False,
    places: str = "",
) -> Flow:
    """A domain of as many VMs as there are places, and another one."""
    extra = 'ready = "power"\nready_timeout = "1h"\ntask_timeout = "{}"\nundo = ' + str(undo).lower()
    limits = ((STUCK, timeout), (OTHER, "1h"))  # nothing of the other may count as stuck on a busy machine
    toml = "".join(
        settings(name, pitr, extra.format(limit)).replace('ready = "tools"\n', "", 1)
        for name, limit in limits
    )
    toml += f"[sites.{SITE}.places]\n{places}\n"
    flow = make_flow(recovery, None, {STUCK: EIGHT, OTHER: TWO}, toml)
    flow.start(STUCK)
    flow.start(OTHER)
    return flow


def in_session(flow: Flow, domain: str) -> None:
    flow.complete("force", "--run-pitr", domain=domain)
    flow.until(lambda d: (d["session"] or {}).get("state") == "active", domain)


def fails_over_alone(flow: Flow, recovery: VCenter) -> None:
    """The other domain's failover ends, session, rollback and all, whatever is stuck."""
    in_session(flow, OTHER)
    flow.deck.run("pitr", "run", OTHER, "--to", point(flow), "--wait")
    assert {recovery.power((OTHER, vm)) for vm in TWO} == {"on"}


def point(flow: Flow) -> str:
    return flow.points[-1].isoformat()


def test_eight_questions_hold_no_other_domain_up(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Not even where they have all the places for starts that there are."""
    flow = flow_of_two(make_flow, recovery, places=f"power_on = {len(EIGHT)}")
    for vm in EIGHT:
        recovery.will_ask((STUCK, vm), "uuid")
    ident = flow.complete("force", domain=STUCK)
    eventually(lambda: all(recovery.question((STUCK, vm)) is not None for vm in EIGHT))
    fails_over_alone(flow, recovery)
    assert flow.operation(ident)["state"] == "open"
    assert {recovery.power((STUCK, vm)) for vm in EIGHT} == {"off"}


def test_eight_removals_that_take_hours_hold_no_other_domain_up(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = flow_of_two(make_flow, recovery)
    in_session(flow, STUCK)
    recovery.slow("RemoveSnapshot_Task", None, NEVER_MS)
    ident = flow.deck.run("pitr", "exit", STUCK, "--confirm", STUCK).stdout.strip()
    eventually(lambda: recovery.calls()["RemoveSnapshot_Task"] == REMOVALS)
    fails_over_alone(flow, recovery)
    assert flow.operation(ident)["state"] == "open"


HANGS = {
    "PowerOffVM_Task": "power off s0",
    "RevertToSnapshot_Task": "roll s0 back",
    "PowerOnVM_Task": "power on s0",
}


@pytest.mark.parametrize("choice", ["skip", "wait"])
@pytest.mark.parametrize("method", HANGS)
def test_a_rollback_asks_about_a_task_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, method: str, choice: str
) -> None:
    """The other VMs go on first; then a person says what becomes of the one."""
    flow = flow_of_two(make_flow, recovery, timeout=SOON)
    in_session(flow, STUCK)
    recovery.slow(method, (STUCK, "s0"), NEVER_MS, times=1)
    ident = flow.deck.run("pitr", "run", STUCK, "--to", point(flow)).stdout.strip()
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    question = flow.operation(ident)["question"]
    assert HANGS[method] in question["text"] and question["choices"] == ["wait", "retry", "skip"]
    fails_over_alone(flow, recovery)
    flow.deck.run("answer", ident, choice)
    if choice == "wait":
        recovery.release()
    eventually(lambda: flow.operation(ident)["state"] == "done", lambda: str(flow.operation(ident)))
    recovery.release()
    rolled_back = {vm["name"] for vm in flow.show(STUCK)["vms"] if vm["rolled_back_to"]}
    assert rolled_back == set(EIGHT) if choice == "wait" else set(EIGHT) - {"s0"} <= rolled_back


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("CreateSnapshot_Task", "keep the state of s0"),
        ("ReconfigVM_Task", "connect s0 to its recovery network"),
        ("PowerOnVM_Task", "power on s0"),
    ],
)
def test_a_failover_asks_about_a_task_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, method: str, words: str
) -> None:
    """In each of its phases on this site; the one VM is left out then, and the rest serves."""
    flow = flow_of_two(make_flow, recovery, timeout=SOON, undo=method == "CreateSnapshot_Task")
    recovery.slow(method, (STUCK, "s0"), NEVER_MS, times=1)
    moved = ("--network", "DC0_DVPG0=VM Network") if method == "ReconfigVM_Task" else ()
    ident = flow.complete("force", *moved, domain=STUCK)
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    question = flow.operation(ident)["question"]
    assert words in question["text"] and question["choices"] == ["wait", "retry", "skip"]
    fails_over_alone(flow, recovery)
    flow.deck.run("answer", ident, "skip")
    domain = flow.until(lambda d: d["mode"] == "running_in_failover", STUCK)
    assert domain["left_out"] == ["s0"] and domain["vms_recovered"] == len(EIGHT) - 1
    recovery.release()


def test_a_session_that_cannot_be_entered_asks_too(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = flow_of_two(make_flow, recovery, timeout=SOON)
    recovery.slow("CreateSnapshot_Task", (STUCK, "s0"), NEVER_MS, times=1)
    ident = flow.complete("force", "--run-pitr", domain=STUCK)
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    assert "make the entry point of s0" in flow.operation(ident)["question"]["text"]
    fails_over_alone(flow, recovery)
    flow.deck.run("answer", ident, "skip")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active", STUCK)


@pytest.mark.parametrize("choice", ["skip", "wait"])
def test_an_exit_asks_about_a_removal_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, choice: str
) -> None:
    """Removals may take twelve times as long as other tasks before anybody is asked."""
    flow = flow_of_two(make_flow, recovery, timeout="0.3s")
    in_session(flow, STUCK)
    recovery.slow("RemoveSnapshot_Task", (STUCK, "s0"), NEVER_MS, times=1)
    ident = flow.deck.run("pitr", "exit", STUCK, "--confirm", STUCK).stdout.strip()

    def question() -> dict[str, Any]:
        return flow.operation(ident)["question"] or {"vms": []}

    eventually(lambda: question()["vms"] == ["s0"], lambda: str(flow.operation(ident)))
    assert "of s0" in question()["text"] and question()["choices"] == ["wait", "retry", "skip"]
    fails_over_alone(flow, recovery)
    flow.deck.run("answer", ident, choice)
    if choice == "wait":
        recovery.release()
    flow.until(lambda d: d["session"] is None and d["mode"] == "running_in_failover", STUCK)
    recovery.release()


@pytest.mark.parametrize("choice", ["skip", "wait"])
def test_a_task_of_others_that_does_not_end_has_a_way_out_too(
    make_flow: MakeFlow, recovery: VCenter, choice: str
) -> None:
    """No session is entered while a VM is worked on; after the limit a person says what becomes of it."""
    no_points = 'enabled = true, points_for = "0s"'  # their names are those of entry points
    flow = flow_of_two(make_flow, recovery, timeout=SOON, pitr=no_points)
    flow.complete("force", "--wait", domain=STUCK)
    recovery.slow("ReconfigVM_Task", (STUCK, "s0"), NEVER_MS, times=1)
    recovery.vm((STUCK, "s0")).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="busy"))
    ident = flow.deck.run("pitr", "start", STUCK).stdout.strip()
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    question = flow.operation(ident)["question"]
    assert "wait for the task of others on s0" in question["text"]
    assert question["choices"] == ["wait", "retry", "skip"] and question["vms"] == ["s0"]
    fails_over_alone(flow, recovery)
    flow.deck.run("answer", ident, choice)
    if choice == "wait":
        recovery.release()
    flow.until(lambda d: (d["session"] or {}).get("state") == "active", STUCK)
    entries = [name for name in flow.names("s0", STUCK) if name.startswith("drdeck-")]
    assert bool(entries) == (choice == "wait"), entries
    recovery.release()


def test_a_call_that_is_asked_for_anew_is_looked_at_first(make_flow: MakeFlow, recovery: VCenter) -> None:
    """After "retry" the VM is off by somebody's hand: nothing is asked of vCenter a second time."""
    flow = flow_of_two(make_flow, recovery, timeout=SOON)
    in_session(flow, STUCK)
    recovery.slow("PowerOffVM_Task", (STUCK, "s0"), NEVER_MS, times=1)
    ident = flow.deck.run("pitr", "run", STUCK, "--to", point(flow)).stdout.strip()
    eventually(lambda: flow.operation(ident)["state"] == "asking", lambda: str(flow.operation(ident)))
    before = recovery.calls()["PowerOffVM_Task"]
    recovery.configure((STUCK, "s0"), "power", "poweredOff")
    flow.until(lambda d: {vm["power"] for vm in d["vms"] if vm["name"] == "s0"} == {"off"}, STUCK)
    recovery.release()
    eventually(lambda: flow.operation(ident)["state"] == "done", lambda: str(flow.operation(ident)))
    assert recovery.calls()["PowerOffVM_Task"] == before


def test_a_rollback_costs_few_round_trips(make_flow: MakeFlow, recovery: VCenter) -> None:
    """What a rollback costs: three round trips for each call on a VM, and the record once per step."""
    flow = flow_of_two(make_flow, recovery)
    in_session(flow, STUCK)
    before, began = recovery.calls(), datetime.now(UTC)
    flow.deck.run("pitr", "run", STUCK, "--to", point(flow), "--wait")
    took = datetime.now(UTC) - began
    calls = recovery.calls() - before
    calls_made = 3 * len(EIGHT)
    assert calls["PowerOffVM_Task"] + calls["RevertToSnapshot_Task"] + calls["PowerOnVM_Task"] == calls_made
    beside = {"CurrentTime", "WaitForUpdatesEx", "CancelWaitForUpdates", "SetField"}
    round_trips = sum(times for method, times in calls.items() if method not in beside)
    steps = 6  # the rollback begun, off, reverted, started, over, and a lease renewed
    assert calls["SetField"] <= 3 * steps, calls
    assert round_trips <= 3 * calls_made + 4 * steps + took / timedelta(seconds=0.5), calls
