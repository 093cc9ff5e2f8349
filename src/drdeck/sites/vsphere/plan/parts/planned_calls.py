"""Calls as they are planned: on one VM, on the record alone, and the wait for a task of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from drdeck.model.text import names
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.vcenter.calls.call_arguments import RecordStep, WaitArguments


class Plan(NamedTuple):
    """The next thing due at a domain: calls, a question, or neither."""

    phase: Phase | None = None
    question: SiteQuestion | None = None


def on_vm(
    vm: VmFacts,
    kind: str,
    key: str,
    says: str,
    args: dict[str, str] | None = None,
    choices: tuple[str, ...] = ("retry", "skip"),
    after_loss: str = "observe",
    limit_s: float = 0.0,
) -> PlannedCall:
    """A call on one VM; `key` names the try, and is made unique by the VM."""
    return PlannedCall(
        key=f"{key}:{vm.id}",
        kind=kind,
        vm=vm.id,
        name=vm.name,
        args=args or {},
        after_loss=after_loss,
        choices=choices,
        says=says,
        limit_s=limit_s,
    )


def wait_for_others(vm: VmFacts, limit_s: float) -> PlannedCall:
    """Wait for a task on a VM that is not this operation's; after `limit_s` a person is asked."""
    task = vm.running_tasks[0]
    says = f"wait for the task of others on {vm.name}"
    args = WaitArguments(task=task).as_text()
    return on_vm(vm, "wait", f"wait:{task}", says, args, after_loss="repeat", limit_s=limit_s)


def wait_for_backup(vm: VmFacts, backup: SnapshotFact, limit_s: float) -> PlannedCall:
    """Wait for a backup tool to remove its snapshot of a VM; after `limit_s` a person is asked."""
    says = f'wait for the backup of {vm.name}, which works with its snapshot "{backup.name}"'
    args = WaitArguments(snapshot=backup.id).as_text()
    return on_vm(vm, "wait", f"wait:{backup.id}", says, args, after_loss="repeat", limit_s=limit_s)


def once_free(vm: VmFacts, call: PlannedCall, limit_s: float | None = None) -> PlannedCall:
    """A call on a VM, or, while a task works on it that others began, the wait for that: it ends by a
    question after `limit_s`, the call's own where none is named, as nothing does that is only left out."""
    if not vm.running_tasks:
        return call
    return wait_for_others(vm, call.limit_s if limit_s is None else limit_s)


def powering_off(vms: Sequence[VmFacts], key: str, operation: str, then: str, limit_s: float) -> Phase:
    """Power off what runs of a domain's VMs, hard, before all are reverted."""
    up = [vm for vm in vms if vm.power != "off"]
    calls = tuple(
        once_free(vm, on_vm(vm, "power_off", key, f"power off {vm.name}", limit_s=limit_s)) for vm in up
    )
    wait = f"powering off: {names(up)}" if up else ""
    return Phase(
        operation=operation, name="Power off the VMs", calls=calls, wait=wait, then=step(then, operation)
    )


def step(what: str, operation: str, n: int = 1, g: int = 0, newest: int | None = None) -> PlannedCall:
    """A call on the record alone; doing it twice is the same as once. `newest`: see ShutdownRecord."""
    return PlannedCall(
        key=f"{what}:{operation}:{g}:{n}",
        kind="step",
        args=RecordStep(what, g, newest).as_text(),
        after_loss="repeat",
        choices=("retry",),
        says=_STEP_SAYS.get(what, what),
    )


_STEP_SAYS = {
    "gone": "note which VMs have gone from the folder",
    "point": "note that the protected VMs are off",
    "down": "continue with the next group to shut down",
    "take": "note that all data is there",
    "network": "take the ownership of the domain",
    "power": "begin the runbook",
    "delay": "note that a runbook group is ready",
    "next": "continue with the next runbook group",
    "recovered": "note that every VM is recovered",
    "entry": "choose the instant of the entry point",
    "active": "open the PITR session",
    "remapped": "note that networks are mapped",
    "entered": "note that entry points are made",
    "revert": "note that the VMs are off",
    "over": "note that the rollback is over",
    "closed": "close the PITR session",
    "undo_revert": "note that the VMs are off",
    "undo_clean": "note that the VMs are as before the failover",
    "undone": "give the domain back",
    "trial_network": "note that the test VMs are cloned",
    "trial_power": "begin the runbook of the test",
    "trial_delay": "note that a runbook group of the test is ready",
    "trial_next": "continue with the next runbook group of the test",
    "trial_runs": "note that the test runs",
    "trial_parked": "note that the test VMs are off",
    "trial_remove": "continue and remove the test VMs",
    "trial_overdue": "end the test, which is overdue",
    "trial_self": "continue and remove the test VMs of a test that was ended",
    "trial_adopt": "take test VMs into the list whose clone's answer was lost",
    "trial_over": "note that nothing is left of the test",
    "committed": "note that nothing is left to undo the failover with",
    "release_clean": "note that every VM is a replica again",
    "released": "import the domain again",
}
