"""The instructor's hand: faults thrown into a site that runs, as commands that are stored and replayed."""

from __future__ import annotations

from drdeck.model.commands import AnyCommand, Command
from drdeck.model.facts.fault_kinds import FaultKind
from drdeck.sites.training.units import NEVER, seconds

from . import domain_faults
from .domain_faults import Fault
from .domain_machine import DomainMachine, SessionStage

STORE_LOST_S = 300.0
"""how long the object store is lost when nobody says for how long"""


class InjectFault(Command, frozen=True, kw_only=True, tag="inject_fault"):
    """From now on, for `for_s` seconds (None: for good), a fault as in a scenario. `vms` are names."""

    fault: FaultKind
    vms: tuple[str, ...] = ()
    for_s: float | None = None
    times: int = 1

    @property
    def key(self) -> str:
        return f"InjectFault:{self.fault}:{self.domain}"

    @property
    def says(self) -> str:
        whom = f" of {', '.join(self.vms)}" if self.vms else ""
        how_long = "" if self.for_s is None else f" for {self.for_s:g} s"
        return f"inject {self.fault} into {self.domain}{whom}{how_long}"


SiteCommand = AnyCommand | InjectFault
"""what a training site stores and replays"""


def refusal(machine: DomainMachine, command: InjectFault) -> str | None:
    """The reason why a fault cannot be thrown in, or None."""
    present = {vm.name for vm in machine.vms}
    for name in command.vms:
        if name not in present:
            return f'"{machine.spec.name}" has no VM named "{name}"'
    if command.for_s is not None and not 0 < command.for_s <= 3660 * 86400:
        return "a fault lasts longer than nothing and at most 3660 days"
    if not 1 <= command.times <= 1000:
        return f"{command.times} times is not possible; write 1 to 1000"
    if command.fault == "object_store_lost":
        return "the object store is no matter of single VMs; leave the VMs out" if command.vms else None
    return None if command.vms else "name the VMs that it hits"


def someone(machine: DomainMachine, fault: str) -> str | None:
    """The VM that a fault hits when nobody says which; None in an empty domain."""
    if not machine.vms:
        return None
    return machine.vms[domain_faults.pick(machine.seed, fault, len(machine.faults)) % len(machine.vms)].name


def apply(machine: DomainMachine, command: InjectFault, at: int) -> None:
    """Let a fault begin at `at`; what it does follows as for one of the scenario's."""
    end = NEVER if command.for_s is None else at + seconds(command.for_s)
    numbers = {vm.name: vm.number for vm in machine.vms}
    fault = Fault(
        number=max((one.number for one in machine.faults), default=-1) + 1,
        kind=command.fault,
        start=at,
        end=end,
        vms=frozenset(numbers[name] for name in command.vms),
        times=command.times,
        factor=5,
    )
    machine.faults.append(fault)
    if command.fault == "object_store_lost":
        machine.lay_outages(at)
    session = machine.session
    if (
        command.fault == "foreign_snapshot"
        and session is not None
        and session.stage is not SessionStage.WAITING
    ):
        session.foreign.extend((at, number, fault) for number in sorted(fault.vms.intersection(session.vms)))
