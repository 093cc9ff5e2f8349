"""A failback as the model shows it, and a domain's place on the way back."""

from __future__ import annotations

from drdeck.model.domains import Step, StepState
from drdeck.model.facts.life_facts import WayBack
from drdeck.sites.training.simulation.domain_machine import DomainMachine, ReturnPhase
from drdeck.sites.training.units import MICRO, instant, percent

LABELS = {
    ReturnPhase.CHECKS: "Prerequisite checks",
    ReturnPhase.BULK: "Recover VMs' data from Storage Site",
    ReturnPhase.OFF: "Shut down VMs",
    ReturnPhase.REST: "Recover the rest of the data",
    ReturnPhase.OWNERSHIP: "Take Protected Domain ownership",
}
_DETAILS = {
    ReturnPhase.BULK: "to the protected site, while the VMs run here",
    ReturnPhase.OFF: "they are shut down here",
    ReturnPhase.REST: "what was written meanwhile",
    ReturnPhase.OWNERSHIP: "by the protected site",
}


def of(machine: DomainMachine) -> WayBack:
    """The domain's place on the way back."""
    restored = machine.restored
    return WayBack(
        owned_there=not machine.local,
        restored_at=instant(restored[1]) if restored is not None else None,
        restored_by=restored[0] if restored is not None else None,
        replicates_to=machine.spec.storage_site if machine.local else "",
        fails_back=True,
        returning=machine.failback.operation if machine.failback is not None else None,
        resumable=machine.returned_at is not None,
    )


def amounts(machine: DomainMachine, at: int) -> tuple[int, int]:
    """(processed, remaining) bytes of what flows back now."""
    transfer = machine.transfer
    if transfer is None:
        return 0, 0
    done = transfer.done(at)
    return done // MICRO, transfer.total // MICRO - done // MICRO


def step(machine: DomainMachine, at: int) -> Step:
    """The step that is going on."""
    assert machine.failback is not None
    phase, transfer = machine.failback.phase, machine.transfer
    progress = None if transfer is None else percent(transfer.done(at), transfer.total)
    detail = "the object store cannot be reached" if _blocked(machine) else _DETAILS.get(phase, "")
    number = list(LABELS).index(phase) + 1
    return Step(
        number=number,
        of=len(LABELS),
        label=LABELS[phase],
        state=StepState.CURRENT,
        progress=progress,
        detail=detail,
    )


def _blocked(machine: DomainMachine) -> bool:
    return machine.transfer is not None and machine.transfer.blocked


def listed(current: Step | None) -> tuple[Step, ...]:
    """All steps around the current one."""
    assert current is not None
    labels = enumerate(LABELS.values(), 1)
    return tuple(
        current
        if number == current.number
        else Step(
            number=number,
            of=len(LABELS),
            label=label,
            state=StepState.DONE if number < current.number else StepState.PENDING,
        )
        for number, label in labels
    )
