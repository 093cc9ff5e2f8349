"""Small scenarios, and a player that drives a simulation in seconds after their start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from drdeck.model.commands import (
    AdoptTrialVms,
    BeginCompletion,
    EndTrial,
    ExitSession,
    FinishFailover,
    Resolve,
    RollBack,
    StartContinuousFailover,
    StartSession,
    StartTrial,
)
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from drdeck.model.pitr import Points
from drdeck.sites.training.scenario.scenario_tables import (
    Scenario,
    ScenarioDomain,
    ScenarioFault,
    ScenarioGroup,
    ScenarioIncident,
    ScenarioPitr,
    ScenarioVm,
)
from drdeck.sites.training.simulation.fault_injection import SiteCommand
from drdeck.sites.training.site_simulation import Accepted, SiteSimulation

START = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)
GB = 1_000_000_000


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def vm(name: str, disk: int = 10 * GB, rate: int = 1_000_000, boot: str = "30s") -> ScenarioVm:
    return ScenarioVm(name=name, disk_bytes=disk, write_bytes_per_s=rate, boot=boot, network="VM_3510")


def incident(seconds: float, *vms: str, factor: float = 30, breaks: bool = True) -> ScenarioIncident:
    return ScenarioIncident(at=at(seconds), vms=vms, write_factor=factor, breaks_health=breaks)


def fault(
    kind: str, *vms: str, start: float | None = None, end: float | None = None, **more: int | str
) -> ScenarioFault:
    data: dict[str, object] = {"kind": kind, "domain": "erp", "vms": vms, **more}
    if start is not None:
        data["from"] = at(start)
    if end is not None:
        data["to"] = at(end)
    return msgspec.convert(data, ScenarioFault)


def domain(name: str = "erp", **more: object) -> ScenarioDomain:
    fields: dict[str, object] = {
        "name": name,
        "vms": (vm("db1"), vm("app1"), vm("app2")),
        "pitr": ScenarioPitr(enabled=True, window="3d", interval="1m"),
        "runbook": (
            ScenarioGroup(group="database", vms=("db*",), delay_after="10s"),
            ScenarioGroup(group="application", vms=("app*",)),
        ),
        **more,
    }
    return msgspec.convert(msgspec.to_builtins(fields), ScenarioDomain)


def scenario(
    *domains: ScenarioDomain, faults: tuple[ScenarioFault, ...] = (), link: int = GB, seed: int = 7
) -> Scenario:
    return Scenario(
        name="test",
        start=START,
        link_bytes_per_s=link,
        seed=seed,
        domains=domains or (domain(),),
        faults=faults,
    )


def as_json(domains: tuple[Domain, ...]) -> bytes:
    return msgspec.json.encode(domains, order="deterministic")


class Player:
    """Gives commands and keeps what was accepted; `now` is in seconds after the start."""

    def __init__(self, plot: Scenario, name: str = "erp") -> None:
        self.plot = plot
        self.name = name
        self.simulation = SiteSimulation(plot)
        self.accepted: list[Accepted] = []
        self.now = 0.0
        self.count = 0

    def __call__(self, name: str | None = None) -> Domain:
        """The domain now."""
        domains = self.simulation.domains(at(self.now))
        return next(one for one in domains if one.name == (name or self.name))

    def to(self, seconds: float) -> Domain:
        self.now = max(self.now, seconds)
        return self()

    def after(self, seconds: float) -> Domain:
        return self.to(self.now + seconds)

    def until(self, mode: Mode, within: float = 7200) -> Domain:
        """Go on in steps of seconds until the domain is in a mode."""
        for _ in range(int(within)):
            domain = self()
            if domain.mode is mode:
                return domain
            self.now += 1
        raise AssertionError(f"{self().mode} after {within} s, not {mode}")

    def until_recovered(self, within: float = 7200) -> Domain:
        for _ in range(int(within)):
            domain = self()
            if domain.failover is not None and domain.failover.recovered_at is not None:
                return domain
            self.now += 1
        raise AssertionError(f"not recovered after {within} s: {self().question}, {self().step}")

    def until_active(self, within: float = 7200) -> Domain:
        for _ in range(int(within)):
            domain = self()
            if domain.session is not None and domain.session.state is SessionState.ACTIVE:
                return domain
            self.now += 1
        raise AssertionError(f"no active session after {within} s: {self().session}")

    def until_asked(self, within: float = 7200) -> Domain:
        for _ in range(int(within)):
            domain = self()
            if domain.question is not None:
                return domain
            self.now += 1
        raise AssertionError(f"no question after {within} s")

    def give(self, command: SiteCommand) -> str | None:
        """The refusal, or None when it was taken."""
        refused = self.simulation.refusal(command, at(self.now))
        if refused is None and self.simulation.take(command, at(self.now)):
            self.accepted.append(Accepted(at=at(self.now), command=command))
        return refused

    def operation(self) -> str:
        self.count += 1
        return f"op{self.count}"

    # -- the commands

    def start(self) -> str | None:
        return self.give(StartContinuousFailover(operation=self.operation(), domain=self.name))

    def complete(self, type: FailoverType, run_pitr: bool = False) -> str | None:
        return self.give(
            BeginCompletion(operation=self.operation(), domain=self.name, type=type, run_pitr=run_pitr)
        )

    def finish(self) -> str | None:
        return self.give(FinishFailover(operation=self.operation(), domain=self.name))

    def session(self, after_failover: bool = False, vms: tuple[str, ...] = ()) -> str | None:
        operation = self.operation()
        return self.give(
            StartSession(
                operation=operation,
                domain=self.name,
                session=f"s-{operation}",
                after_failover=after_failover,
                vms=vms,
            )
        )

    def roll(self, seconds: float, vms: tuple[str, ...] = ()) -> str | None:
        return self.give(RollBack(operation=self.operation(), domain=self.name, to=at(seconds), vms=vms))

    def test(self, vms: tuple[str, ...] = (), ends_after_s: float | None = None) -> str | None:
        operation = self.operation()
        return self.give(
            StartTrial(operation=operation, domain=self.name, vms=vms, ends_after_s=ends_after_s)
        )

    def end_test(self, result: str = "", detach: tuple[str, ...] = ()) -> str | None:
        operation = self.operation()
        return self.give(EndTrial(operation=operation, domain=self.name, result=result, detach=detach))

    def adopt(self, *idents: str) -> str | None:
        return self.give(AdoptTrialVms(operation=self.operation(), domain=self.name, vms=idents))

    def leave(self) -> str | None:
        return self.give(ExitSession(operation=self.operation(), domain=self.name))

    def answer(self, choice: str, by: str = "") -> str | None:
        question = self().question
        assert question is not None
        return self.give(
            Resolve(
                operation=question.operation,
                domain=self.name,
                question=question.id,
                choice=choice,
                asked_by=by,
            )
        )

    def points(self) -> Points:
        points = self.simulation.points(self.name, at(self.now))
        assert points is not None
        return points

    # -- whole ways

    def failed_over(self, type: FailoverType = FailoverType.PLANNED, run_pitr: bool = False) -> Domain:
        assert self.start() is None
        self.until(Mode.SYNCHRONISED)
        assert self.complete(type, run_pitr) is None
        return self.until_recovered()

    def in_session(self, type: FailoverType = FailoverType.PLANNED) -> Domain:
        self.failed_over(type, run_pitr=True)
        assert self.session(after_failover=True) is None
        return self.until_active()


def opened(plot: Scenario) -> Player:
    """A player at the instant at which a scenario is first opened, with its first domain."""
    play = Player(plot, plot.domains[0].name)
    play.now = (plot.first_instant - START).total_seconds()
    return play
