"""Questions without whose answer a domain cannot go on, and the effect of an answer."""

from __future__ import annotations

from drdeck.model.commands import Resolve
from drdeck.model.planned import SiteQuestion
from drdeck.sites.training.units import SECOND

from . import failover
from .domain_machine import DomainMachine, SessionStage, Stage
from .vm_state import VmState


def question(machine: DomainMachine, at: int) -> SiteQuestion | None:
    """The first question that is open; its id names the VM and the try."""
    trouble = _open(machine, at)
    if trouble is None:
        return None
    what, vm = trouble
    if what == "shut_down":
        waited = failover.SHUTDOWN_GIVEN_UP // SECOND
        return SiteQuestion(
            id=f"{_operation(machine)}:shut_down:{vm.name}:{vm.off_tries}",
            operation=_operation(machine),
            text=f'"{vm.name}" did not shut down at the protected site within {waited} s.'
            " Power it off there by hand and retry, or abort: continuous rehydration continues then. After an"
            " abort the VMs that are off there stay off.",
            choices=("retry", "abort"),
        )
    return SiteQuestion(
        id=f"{_operation(machine)}:power_on:{vm.name}:{vm.tries}",
        operation=_operation(machine),
        text=f'"{vm.name}" {POWER_ON_ERROR}. Retry, or skip it: it stays off then and the others continue.',
        choices=("retry", "skip"),
    )


POWER_ON_ERROR = "did not power on: the host had no resources for it"


def resolve(machine: DomainMachine, command: Resolve, at: int) -> None:
    """Carry out the answer to the open question."""
    trouble = _open(machine, at)
    if trouble is None:
        return
    what, vm = trouble
    if what == "shut_down":
        if command.choice == "abort":
            failover.abort(machine, at)
        else:
            failover.retry_shutdown(machine, vm, at)
    elif machine.startup is not None:
        if command.choice == "skip":
            machine.startup.skip(vm.number, at)
            vm.boot = machine.startup.boots[vm.number]
        else:
            machine.startup.retry(vm.number, at)


def _operation(machine: DomainMachine) -> str:
    session = machine.session
    if session is not None and session.stage is SessionStage.BOOTING:
        return session.last_operation or ""
    return "" if machine.failover is None else machine.failover.operation


def _open(machine: DomainMachine, at: int) -> tuple[str, VmState] | None:
    if machine.stage is Stage.SHUTTING_DOWN:
        stuck = next((vm for vm in machine.vms if vm.stuck_at <= at), None)
        return None if stuck is None else ("shut_down", stuck)
    booting = machine.session is not None and machine.session.stage is SessionStage.BOOTING
    if (machine.stage is Stage.RUNBOOK or booting) and machine.startup is not None:
        failed = machine.startup.failed(at)
        return None if failed is None else ("power_on", machine.vms[failed])
    return None
