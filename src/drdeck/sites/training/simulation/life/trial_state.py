"""State of a domain's tests in the simulation, and what is there of them; `trial` changes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.units import NEVER

MANUAL = "manual"
"""The word of a scenario for a replication tool whose retention a person pauses for a test."""


@dataclass(slots=True)
class SimulatedTrial:
    """A Test Failover at a training site. `operation` empty: a failover ended it, and no End Test.

    `ready`: number of a VM -> when its clone serves, `started`: when it was powered on; `there`: numbers of
    those that its end tries to remove, `left`: of those that stay, once it was ended; `late`: of those whose
    clone is made too late. `names`: of the test VMs, by number."""

    operation: str
    of: str
    began_at: int
    ends_at: int
    to: int | None
    numbers: tuple[int, ...]
    networks: dict[str, str]
    names: dict[int, str]
    cloned: dict[int, int] = field(default_factory=dict)
    started: dict[int, int] = field(default_factory=dict)
    ready: dict[int, int] = field(default_factory=dict)
    late: tuple[int, ...] = ()
    running_at: int = NEVER
    off_at: int = NEVER
    removed_at: int = NEVER
    there: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


@dataclass(slots=True)
class KeptClone:
    """A test VM whose test is over: its clone came late, or an End Test did not remove it.

    `listed`: it is in the list of the domain's test VMs, so that End Test removes it."""

    ident: str
    name: str
    number: int
    operation: str
    comes_at: int
    listed: bool
    foreign: bool = False
    gone_at: int = NEVER


@dataclass(slots=True)
class EndedTrial:
    at: int
    result: str
    note: str
    vms: int
    to: int | None


@dataclass(slots=True)
class PausedTool:
    """The replication tool's retention, paused by somebody's word."""

    by: str
    at: int


@dataclass(slots=True)
class Trials:
    """A domain's tests: the one that goes on or has left something, and the last that was ended."""

    now: SimulatedTrial | None = None
    last: EndedTrial | None = None
    kept: list[KeptClone] = field(default_factory=list)
    tool: PausedTool | None = None
    milestones: list[int] = field(default_factory=list)


def of(machine: DomainMachine) -> Trials:
    if machine.trials is None:
        machine.trials = Trials()
    assert isinstance(machine.trials, Trials)
    return machine.trials


def going(machine: DomainMachine, at: int) -> SimulatedTrial | None:
    """The test that goes on at an instant, or of which anything is left: VMs, or a tool that is paused."""
    trial = of(machine).now
    if trial is None:
        return None
    there = at < trial.removed_at or trial.left or listed(machine, at) or tool_owed(machine)
    return trial if there else None


def listed(machine: DomainMachine, at: int) -> list[KeptClone]:
    """Test VMs of earlier tests that are in the list, whether or not they are being removed."""
    return [clone for clone in of(machine).kept if clone.listed and at < clone.gone_at]


def strays(machine: DomainMachine, at: int) -> list[KeptClone]:
    """Test VMs that no list has."""
    return [clone for clone in of(machine).kept if not clone.listed and clone.comes_at <= at]


def tool_owed(machine: DomainMachine) -> bool:
    """Tell whether End Test has to ask for the tool's retention; a domain that is here has none."""
    return of(machine).tool is not None and not machine.local and machine.failover is None


def own(machine: DomainMachine) -> None:
    """This site owns the domain now: the failover has a word of its own about the tool."""
    if isinstance(machine.trials, Trials):
        machine.trials.tool = None


def unasked(machine: DomainMachine) -> bool:
    """Tell whether a test waits for the word that the tool's retention is paused."""
    trials = of(machine)
    trial = trials.now
    waits = trial is not None and not trial.cloned and trial.off_at == NEVER
    return waits and machine.spec.tool == MANUAL and trials.tool is None


def due_at(machine: DomainMachine) -> int:
    """The next instant at which what is shown of a test changes by itself."""
    trials = machine.trials
    if not isinstance(trials, Trials) or trials.now is None:
        return NEVER
    return min((at for at in trials.milestones if at > machine.at), default=NEVER)
