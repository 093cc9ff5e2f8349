"""Each phase that waits for a task has its way out: those of a planned failover, a Test Failover, an undo and
a release. Those of failovers and rollbacks are in `test_standstill`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from pyVmomi import vim

from tests.support.life.rounds import other_side_owns, replicate
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import Flow, MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

FIRST = VMS[0]
NEVER_MS = 3_600_000
SOON = 'task_timeout = "{}"\nready_timeout = "1h"\nundo = {}'
"""Whatever takes longer counts as hanging; that others do so too on a busy machine does no harm here."""


def asks(flow: Flow, ident: str, words: str) -> list[str]:
    """The choices of an operation's question, once it asks with these words."""

    def asks_so() -> bool:
        question = flow.operation(ident)["question"]
        return question is not None and words in question["text"]

    eventually(asks_so, lambda: str(flow.operation(ident)))
    return list(flow.operation(ident)["question"]["choices"])


def ends(flow: Flow, ident: str, state: str = "done") -> None:
    eventually(lambda: flow.operation(ident)["state"] == state, lambda: str(flow.operation(ident)))


def flow_of(
    make_flow: MakeFlow,
    recovery: VCenter,
    protected: VCenter | None = None,
    undo: bool = True,
    hangs_after: str = "0.3s",
) -> Flow:
    """A domain that can be tested, whose tasks hang soon; removals may take twelve times as long."""
    extra = SOON.format(hangs_after, str(undo).lower())
    return TrialFlow(make_flow, recovery, protected=protected, extra=extra).flow


def begin_test(flow: Flow) -> str:
    return flow.deck.run("test", "start", DOMAIN).stdout.strip()


def end_test(flow: Flow) -> str:
    ident = flow.deck.run("test", "start", DOMAIN).stdout.strip()
    ends(flow, ident)
    return flow.deck.run("test", "end", DOMAIN, "--result", "passed").stdout.strip()


def undo(flow: Flow) -> str:
    return flow.deck.run("failover", "undo", DOMAIN, "--confirm", DOMAIN).stdout.strip()


def commit(flow: Flow) -> str:
    return flow.deck.run("failover", "commit", DOMAIN, "--confirm", DOMAIN).stdout.strip()


def failed_over(flow: Flow) -> None:
    flow.start()
    flow.complete("force")
    flow.until(lambda d: d["mode"] == "running_in_failover")


def with_points(flow: Flow) -> None:
    """Failed over, and the first group points are made: a removal that meets one is refused as busy."""
    failed_over(flow)
    snapshots = flow.recovery.snapshots
    eventually(lambda: all(any(x.name.startswith("drdeck-2") for x in snapshots(vm)) for vm in VMS))


class Hang(NamedTuple):
    """A task that does not end: of which operation, after what, and what is asked."""

    method: str
    words: str
    begin: Callable[[Flow], str]
    choice: str
    before: Callable[[Flow], object] = lambda flow: None


HANGS = {
    "test: clone": Hang("CloneVM_Task", "clone ", begin_test, "skip"),
    "test: power on": Hang("PowerOnVM_Task", "power on ", begin_test, "wait"),
    "test: power off": Hang("PowerOffVM_Task", "power off ", end_test, "skip"),
    "test: destroy": Hang("Destroy_Task", "remove the test VM", end_test, "wait"),
    "undo: power off": Hang("PowerOffVM_Task", "power off ", undo, "wait", with_points),
    "undo: revert": Hang("RevertToSnapshot_Task", "back to before the failover", undo, "skip", with_points),
    "undo: remove": Hang("RemoveSnapshot_Task", "remove ", undo, "wait", failed_over),
    "commit: remove": Hang("RemoveSnapshot_Task", "remove ", commit, "skip", with_points),
}


@pytest.mark.parametrize("phase", HANGS)
def test_each_phase_asks_about_a_task_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, phase: str
) -> None:
    hang = HANGS[phase]
    removes = hang.method == "RemoveSnapshot_Task"
    flow = flow_of(make_flow, recovery, hangs_after="0.3s" if removes else "1.5s")
    hang.before(flow)
    recovery.slow(hang.method, None, NEVER_MS, times=1)
    ident = hang.begin(flow)
    choices = asks(flow, ident, hang.words)
    assert choices[:3] == ["wait", "retry", "skip"]
    flow.deck.run("answer", ident, hang.choice)
    if hang.choice == "wait":
        recovery.release()
    ends(flow, ident)
    recovery.release()


def test_a_release_asks_about_a_removal_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = flow_of(make_flow, recovery, protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    failed_over(flow)
    other_side_owns(flow, protected_vcenter, "op-there")
    flow.until(lambda d: d["way_back"]["owned_there"] and all(vm["power"] == "off" for vm in d["vms"]))
    recovery.slow("RemoveSnapshot_Task", FIRST, NEVER_MS, times=1)
    ident = flow.deck.run("domain", "release", DOMAIN).stdout.strip()
    flow.until(lambda d: d["mode"] == "releasing")
    replicate(flow, 1)
    assert asks(flow, ident, f"of {FIRST}") == ["wait", "retry", "skip"]
    flow.deck.run("answer", ident, "skip")
    flow.until(lambda d: d["mode"] == "imported")
    recovery.release()


def test_a_power_off_at_the_protected_site_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    extra = SOON.format("1.5s", "false") + '\nshutdown_timeout = "1h"\npower_off_after = "0s"'
    flow = TrialFlow(make_flow, recovery, protected=protected_vcenter, extra=extra).flow
    flow.start()
    protected_vcenter.stubborn(FIRST)
    protected_vcenter.slow("PowerOffVM_Task", FIRST, NEVER_MS, times=1)
    ident = flow.complete("planned")
    assert asks(flow, ident, f"power off {FIRST}") == ["wait", "retry", "abort"]
    flow.deck.run("answer", ident, "abort")
    flow.until(lambda d: d["mode"] == "synchronised" and d["operation"] is None)
    assert flow.operation(ident)["state"] == "aborted"
    protected_vcenter.release()


def test_a_start_at_the_protected_site_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """Last of an undo, where the settings want it; the one VM is left to a person then."""
    extra = SOON.format("1.5s", "true") + "\nstart_protected = true"
    flow = TrialFlow(make_flow, recovery, protected=protected_vcenter, extra=extra).flow
    for vm in VMS:
        protected_vcenter.power_off(vm)
    flow.start()
    flow.complete("regular")
    flow.until(lambda d: d["mode"] == "running_in_failover")
    protected_vcenter.slow("PowerOnVM_Task", FIRST, NEVER_MS, times=1)
    ident = undo(flow)
    assert asks(flow, ident, f"power on {FIRST} at the protected site") == ["wait", "retry", "skip"]
    flow.deck.run("answer", ident, "skip")
    ends(flow, ident)
    assert [vm for vm in VMS if protected_vcenter.power(vm) != "on"] == [FIRST]
    protected_vcenter.release()


def test_a_test_vm_whose_network_does_not_become_isolated(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Somebody puts a clone on another network before it was read back; it is not started there."""
    trial = TrialFlow(make_flow, recovery, extra=SOON.format("1.5s", "true"))
    recovery.slow("CloneVM_Task", VMS[1], NEVER_MS, times=1)
    ident = begin_test(trial.flow)
    eventually(lambda: len(trial.clones()) == len(VMS) - 1)
    clone = trial.folder.childEntity[0]
    rehearsing.connect_cards(recovery, clone, like=recovery.vm(FIRST))
    recovery.slow("ReconfigVM_Task", None, NEVER_MS, times=1)
    recovery.release()
    choices = asks(trial.flow, ident, f"put {clone.name} on its isolated network")
    assert choices[:3] == ["wait", "retry", "skip"]
    assert clone.runtime.powerState == "poweredOff"
    trial.flow.deck.run("answer", ident, "skip")
    ends(trial.flow, ident)
    assert clone.runtime.powerState == "poweredOff"
    recovery.release()


def test_an_exit_asks_about_a_task_of_others_that_does_not_end(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """It was under way when the controller began to look: nothing would say that it is over."""
    flow = flow_of(make_flow, recovery, undo=False)
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    flow.deck.run("controller", "stop", "--force")
    recovery.slow("ReconfigVM_Task", FIRST, NEVER_MS, times=1)
    recovery.vm(FIRST).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="busy"))
    ident = flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN).stdout.strip()
    assert asks(flow, ident, f"wait for the task of others on {FIRST}") == ["wait", "retry", "skip"]
    flow.deck.run("answer", ident, "skip")
    flow.until(lambda d: d["session"] is None and d["mode"] == "running_in_failover")
    recovery.release()


BACKUP = "VEEAM BACKUP TEMPORARY SNAPSHOT"


def in_a_session(flow: Flow) -> None:
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active")


def leave_session(flow: Flow) -> str:
    return flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN).stdout.strip()


def undo_anyway(flow: Flow) -> str:
    """Undo once the backup's snapshot is seen, which must be allowed."""
    eventually(lambda: BACKUP in flow.deck.run("failover", "undo", DOMAIN, "--dry-run", code=None).stdout)
    anyhow = ("--even-though", "others-at-work")
    return flow.deck.run("failover", "undo", DOMAIN, "--confirm", DOMAIN, *anyhow).stdout.strip()


@pytest.mark.parametrize(
    ("before", "begin"), [(in_a_session, leave_session), (with_points, undo_anyway)], ids=["exit", "undo"]
)
@pytest.mark.parametrize("way_out", ["skip", "the backup ends"])
def test_a_backup_that_does_not_end_is_asked_about(
    make_flow: MakeFlow,
    recovery: VCenter,
    before: Callable[[Flow], None],
    begin: Callable[[Flow], str],
    way_out: str,
) -> None:
    """Nothing is removed beneath its snapshot meanwhile; the other VMs are not held up."""
    flow = flow_of(make_flow, recovery)
    before(flow)
    recovery.make_snapshot(FIRST, BACKUP)

    def points(*vms: str) -> list[str]:
        return [x.name for vm in vms for x in recovery.snapshots(vm) if x.name.startswith("drdeck-")]

    beneath = points(FIRST)
    ident = begin(flow)
    assert asks(flow, ident, f"the backup of {FIRST}") == ["wait", "retry", "skip"]
    eventually(lambda: not points(*VMS[1:]), lambda: str(flow.operation(ident)))
    assert beneath and points(FIRST) == beneath
    if way_out == "skip":
        flow.deck.run("answer", ident, "skip")
    else:
        recovery.remove_snapshot(FIRST, BACKUP)
    ends(flow, ident)
    assert points(FIRST) == (beneath if way_out == "skip" else [])
