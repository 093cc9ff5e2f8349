"""The simulation: what a site shows is a function of the scenario, the commands, and the instant.

Between two events everything is arithmetic, so a month costs what happens in it and not its length.
A `SiteSimulation` that is asked for one instant after another shows the same as a new one that is
asked for the last of them: no event depends on when anybody looked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drdeck.model.domains import Domain
from drdeck.model.frozen import Frozen
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points, Writing
from drdeck.sites.training.scenario.scenario_tables import Scenario
from drdeck.sites.training.simulation import domain_events, other_users, restore_points
from drdeck.sites.training.simulation.bandwidth import GREEDY, share
from drdeck.sites.training.simulation.domain_machine import DomainMachine, SessionStage, Stage
from drdeck.sites.training.simulation.fault_injection import SiteCommand
from drdeck.sites.training.simulation.life import trial_state
from drdeck.sites.training.view import command_rules, domain_view

from .units import NEVER, instant, ticks


class Accepted(Frozen, frozen=True, kw_only=True):
    """A command with the site's time at which it was accepted."""

    at: datetime
    command: SiteCommand


def view(scenario: Scenario, commands: Iterable[Accepted], now: datetime) -> tuple[Domain, ...]:
    """The site's domains at `now`. Commands given twice, or that a rule refuses, change nothing."""
    simulation, taken = SiteSimulation(scenario), set[tuple[str, str]]()
    for accepted in sorted(commands, key=lambda accepted: accepted.at):
        ident = (accepted.command.operation, accepted.command.key)
        if accepted.at <= now and ident not in taken and simulation.take(accepted.command, accepted.at):
            taken.add(ident)
    return simulation.domains(now)


class SiteSimulation:
    """Goes forward only; an earlier instant than the last one is taken for the last one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.machines = [
            DomainMachine(scenario, spec, number) for number, spec in enumerate(scenario.domains)
        ]
        self._by_name = {machine.spec.name: machine for machine in self.machines}
        self._at = ticks(scenario.start)
        self._due = [self._at] * len(self.machines)
        self._demands = [0] * len(self.machines)
        self._shares = [0] * len(self.machines)
        self._share()
        self.run(self._at)

    @property
    def now(self) -> datetime:
        """The latest instant that it was asked for."""
        return instant(self._at)

    def run(self, until: int) -> int:
        """Let happen what happens up to `until`; answers the instant that it stands at."""
        while True:
            at = min(self._due, default=NEVER)
            if at > until:
                break
            for number, machine in enumerate(self.machines):
                if self._due[number] == at:
                    domain_events.process(machine, at)
                    self._due[number] = domain_events.next_at(machine)
            self._at = max(self._at, at)
            self._share()
        self._at = max(self._at, until)
        return self._at

    def _share(self) -> None:
        """Share the link anew where what a domain asks of it has changed, and look ahead again."""
        changed = [machine for machine in self.machines if machine.changed]
        if not changed:
            return
        before = list(self._demands)
        for machine in changed:
            machine.changed = False
            self._demands[machine.number] = machine.demand()
        if self._demands != before:
            shares = share(self.scenario.link_bytes_per_s, self._demands)
            for machine in self.machines:
                if shares[machine.number] != self._shares[machine.number] and machine not in changed:
                    domain_events.come_to(machine, self._at)
                    changed.append(machine)
            self._shares = shares
        for machine in changed:
            machine.give(self._shares[machine.number])
            self._due[machine.number] = domain_events.next_at(machine)

    def refusal(self, command: SiteCommand, now: datetime) -> str | None:
        """The reason why a command cannot be carried out at `now`; None when it can."""
        machine = self._by_name.get(command.domain)
        if machine is None:
            return f'there is no domain "{command.domain}" at this site'
        return command_rules.refusal(machine, command, self.run(ticks(now)))

    def take(self, command: SiteCommand, now: datetime) -> bool:
        """Carry a command out that was not given before; False when a rule refuses it."""
        if self.refusal(command, now) is not None:
            return False
        at = self.run(ticks(now))
        machine = self._by_name[command.domain]
        domain_events.come_to(machine, at)
        domain_events.apply(machine, command, at)
        domain_events.process(machine, at)
        self._due[machine.number] = domain_events.next_at(machine)
        self._share()
        self.run(at)
        return True

    def domains(self, now: datetime) -> tuple[Domain, ...]:
        """Every domain at `now`."""
        at = self.run(ticks(now))
        return tuple(domain_view.domain(machine, at) for machine in self.machines)

    def points(self, name: str, now: datetime) -> Points | None:
        """The restore points of a domain that may be picked at `now`; None for an unknown one."""
        machine = self._by_name.get(name)
        if machine is None:
            return None
        return restore_points.listed(machine, self.run(ticks(now)), domain_view.excluded(machine))

    def writing(self, name: str, now: datetime) -> Writing | None:
        """The newest abnormal writing of a domain at `now`; None for an unknown one."""
        machine = self._by_name.get(name)
        if machine is None:
            return None
        return restore_points.writing(machine, self.run(ticks(now)), domain_view.excluded(machine))

    def hazards(self, name: str, vms: tuple[str, ...], now: datetime) -> Hazards | None:
        """Things that may disturb a session of VMs (names; empty: all); None for an unknown domain."""
        machine = self._by_name.get(name)
        if machine is None:
            return None
        return Hazards(warns=other_users.hazards(machine, vms, self.run(ticks(now))))

    def machine(self, name: str) -> DomainMachine | None:
        return self._by_name.get(name)

    def pace(self) -> str:
        """The pace of the site: "busy" (bytes, boots, steps), "steady" (replication only), "idle"."""
        busy = any(
            self._demands[machine.number] == GREEDY
            or machine.stage in _TIMED
            or machine.undo is not None
            or trial_state.due_at(machine) < NEVER
            or (machine.session is not None and machine.session.stage is not SessionStage.ACTIVE)
            for machine in self.machines
        )
        if busy:
            return "busy"
        return "steady" if any(machine.flow is not None for machine in self.machines) else "idle"

    def next_change(self) -> datetime | None:
        """The instant of the next event or restore point; None when neither is known."""
        due = min(self._due, default=NEVER)
        for machine in self.machines:
            if machine.spec.pitr.enabled:
                due = min(due, restore_points.next_made(machine, self._at))
        return None if due >= NEVER else instant(due)


_TIMED = frozenset(
    {
        Stage.PREPARING,
        Stage.CATCHING_UP,
        Stage.SHUTTING_DOWN,
        Stage.DRAINING,
        Stage.TAKING_OVER,
        Stage.RUNBOOK,
        Stage.RETURNING,
    }
)
