"""What holds whatever is done: random commands at random times, looked at as often or seldom as you like."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drdeck.model.commands import AbortCompletion
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.pitr import excluded_by
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioFault
from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.simulation.fault_injection import InjectFault
from drdeck.sites.training.site_simulation import view
from tests.support import ROOT
from tests.support.training.training_build import (
    GB,
    START,
    Player,
    as_json,
    at,
    domain,
    fault,
    incident,
    scenario,
    vm,
)

TIMES = st.floats(0, 4000, allow_nan=False).map(lambda s: round(s, 3))
KINDS = st.sampled_from(FAULT_KINDS)
LENGTHS = st.floats(1, 900).map(lambda s: round(s, 2))


def fault_of(kind: str, name: str, start: float, length: float, times: int, counted: bool) -> ScenarioFault:
    """From an instant on, or counted from the beginning of the rehydration."""
    if counted:
        return fault(kind, name, after=f"{start}s", lasts=f"{length}s", times=times)
    return fault(kind, name, start=start, end=start + length, times=times)


NAMES = st.sampled_from(["db1", "app1", "app2"])
FAULTS = st.lists(
    st.builds(fault_of, KINDS, NAMES, TIMES, LENGTHS, st.integers(1, 2), st.booleans()), max_size=3
)
INCIDENTS = st.lists(
    st.builds(
        lambda s, name, factor, breaks: incident(s, name, factor=factor, breaks=breaks),
        TIMES,
        st.sampled_from(["db1", "app1", "app2"]),
        st.sampled_from([0.0, 2.5, 30.0, 200.0]),
        st.booleans(),
    ),
    max_size=3,
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    rates = draw(st.lists(st.integers(0, 20_000_000), min_size=3, max_size=3))
    vms = tuple(
        vm(name, disk=draw(st.integers(1, 20)) * GB, rate=rate, boot=draw(st.sampled_from(["1s", "40s"])))
        for name, rate in zip(("db1", "app1", "app2"), rates, strict=True)
    )
    first = domain(
        vms=vms,
        incidents=tuple(draw(INCIDENTS)),
        state=draw(st.sampled_from(["imported", "synchronised", "protected"])),
        tool=draw(st.sampled_from(["none", "manual"])),
        protected_site=draw(st.sampled_from(["reachable", "reachable", "lost"])),
        pitr={"enabled": True, "window": draw(st.sampled_from(["1h", "1d"]))},
    )
    second = domain(
        "crm",
        state=draw(st.sampled_from(["imported", "synchronised"])),
        pitr={"enabled": draw(st.booleans()), "window": "1h", "interval": "7m"},
    )
    link = draw(st.sampled_from([50_000_000, 300_000_000, 2 * GB]))
    return scenario(first, second, faults=tuple(draw(FAULTS)), link=link, seed=draw(st.integers(0, 99)))


PACES = st.sampled_from([0.0, 0.1, 1.0, 7.3, 45.0, 200.0, 1500.0, 90_000.0])


def throw_in(play: Player, data: st.DataObject) -> None:
    """A fault by the instructor's hand; it is kept and replayed like a command."""
    kind = data.draw(KINDS)
    domain = play.plot.domains[[d.name for d in play.plot.domains].index(play.name)]
    vms = () if kind == "object_store_lost" else (domain.vms[data.draw(st.integers(0, 2))].name,)
    for_s = data.draw(st.one_of(LENGTHS, st.just(600.0) if not vms else st.none()))
    play.give(InjectFault(operation=play.operation(), domain=play.name, fault=kind, vms=vms, for_s=for_s))


def act(play: Player, data: st.DataObject) -> None:
    """Do something that suits the domain, mostly."""
    play.name = data.draw(st.sampled_from(["erp", "erp", "crm"]))
    certificate = play()
    if data.draw(st.integers(0, 5)) == 0:
        throw_in(play, data)
    if data.draw(st.integers(0, 2)) == 0:
        act_on_tests(play, data)
        return
    choices = ["wait"]
    if certificate.mode is Mode.IMPORTED:
        choices = ["start", "start", "wait"]
    elif certificate.mode is Mode.SYNCHRONISED:
        choices = ["complete"]
    elif certificate.question is not None:
        choices = list(certificate.question.choices)
    elif certificate.session is not None and certificate.session.state is SessionState.ACTIVE:
        choices = ["roll", "roll", "leave", "wait"]
    elif certificate.mode is Mode.COMPLETING and certificate.recovered:
        choices = ["session" if certificate.failover and certificate.failover.run_pitr else "finish"]
    elif certificate.mode is Mode.COMPLETING:
        choices = ["wait", "wait", "wait", "give up"]
    elif certificate.session is None and certificate.mode in (Mode.PROTECTED, Mode.RUNNING_IN_FAILOVER):
        choices = ["by hand", "wait"]
    match data.draw(st.sampled_from(choices)):
        case "start":
            play.start()
        case "complete":
            play.complete(data.draw(st.sampled_from(FailoverType)), data.draw(st.booleans()))
        case "session":
            play.session(after_failover=True)
        case "by hand":
            play.session(vms=data.draw(st.sampled_from([(), ("db1",), ("app1", "app2")])))
        case "finish":
            play.finish()
        case "give up":
            play.give(AbortCompletion(operation=play.operation(), domain=play.name))
        case "leave":
            play.leave()
        case "roll":
            back = data.draw(st.sampled_from([0.0, 0.5, 61.0, 600.0, 3500.0, 86_399.0]))
            play.roll(play.now - back, data.draw(st.sampled_from([(), (), ("db1",)])))
        case "retry" | "skip" | "abort" | "confirm" as choice:
            play.answer(choice)


def act_on_tests(play: Player, data: st.DataObject) -> None:
    """Whatever there is to do about a test, whether it suits or not."""
    domain = play()
    match data.draw(st.sampled_from(["test", "test", "end", "end", "detach", "adopt", "answer"])):
        case "test":
            play.test(data.draw(st.sampled_from([(), ("db1",)])), ends_after_s=600.0)
        case "end":
            play.end_test(data.draw(st.sampled_from(["", "passed"])))
        case "detach":
            play.end_test(detach=("a file",))
        case "adopt":
            play.adopt(*(vm.id for vm in domain.strays))
        case _ if domain.question is not None:
            play.answer(data.draw(st.sampled_from(domain.question.choices)))


def holds(play: Player) -> None:
    """The rules that every view keeps."""
    now = at(play.now)
    for state in play.simulation.domains(now):
        machine = play.simulation.machine(state.name)
        assert machine is not None
        _amounts(state, machine, play)
        rpo = state.rpo_s(now)
        assert rpo is None or rpo >= 0
        assert state.consistent_at is None or state.consistent_at <= now
        assert state.consistent_at is None or excluded_by(state.consistent_at, state.excluded) is None
        _tests(state)
        assert 0 <= state.vms_recovered <= state.vms_total and 0 <= state.vms_recoverable <= state.vms_total
        assert state.phase is None
        if state.mode is Mode.SYNCHRONISED:
            assert state.vms_recoverable == state.vms_total
        points = play.simulation.points(state.name, now)
        assert points is not None
        times = [point.time for point in points.points]
        assert len(times) == state.points and times == sorted(times, reverse=True)
        assert (state.newest_point, state.oldest_point) == ((times[0], times[-1]) if times else (None, None))
        for time in times:
            assert excluded_by(time, state.excluded) is None
            assert state.reset_at is None or time > state.reset_at
            assert now - state.pitr.window <= time <= now
        for point in points.points:
            assert point.skew_s >= 0 and 0 <= point.vms <= state.vms_total
            assert point.written_bytes is not None and point.written_bytes >= 0


def _tests(domain: Domain) -> None:
    """No test VM is in two places or has the name of another; a test of a domain that is here is over."""
    named = [(vm.id, vm.name) for vm in (domain.trial.vms if domain.trial is not None else ())]
    named += [(vm.id, vm.name) for vm in domain.strays]
    assert len({ident for ident, _ in named}) == len({name for _, name in named}) == len(named)
    kinds = [alarm.kind for alarm in domain.alarms]
    left = len(domain.trial.left) if domain.trial is not None else 0
    assert kinds.count("test_leftover") == left + len(domain.strays)
    if domain.mode is Mode.RUNNING_IN_FAILOVER:
        assert domain.trial is None or domain.trial.state in (TrialState.ENDING, TrialState.LEFT_OVER)
        assert "tool_paused" not in kinds


def _amounts(domain: Domain, machine: DomainMachine, play: Player) -> None:
    if domain.processed_bytes is None or domain.remaining_bytes is None:
        assert machine.flow is None
        return
    assert machine.flow is not None and domain.processed_bytes >= 0 and domain.remaining_bytes >= 0
    total = machine.flow.total_at(round((at(play.now) - at(0)).total_seconds() * 1e6) + machine.start)
    assert domain.processed_bytes + domain.remaining_bytes == total // 1_000_000


@settings(
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), plot=scenarios())
def test_computing_at_once_equals_computing_in_steps(data: st.DataObject, plot: Scenario) -> None:
    play = Player(plot)
    looks: list[tuple[float, int, bytes]] = []
    for _ in range(data.draw(st.integers(1, 14))):
        act(play, data)
        for _ in range(data.draw(st.integers(1, 3))):
            play.after(data.draw(PACES))
            looks.append((play.now, len(play.accepted), as_json(play.simulation.domains(at(play.now)))))
            holds(play)
    for seconds, given_then, expected in data.draw(st.lists(st.sampled_from(looks), max_size=3)) + looks[-1:]:
        assert as_json(view(plot, play.accepted[:given_then], at(seconds))) == expected
    twice = [one for one in play.accepted for _ in range(2)]
    assert as_json(view(plot, twice, at(looks[-1][0]))) == looks[-1][2]


@settings(max_examples=25, deadline=None)
@given(
    incident_at=st.integers(0, 900),
    back=st.integers(0, 900),
    interval=st.sampled_from(["30s", "1m", "5m"]),
    type=st.sampled_from([FailoverType.FORCE, FailoverType.PLANNED]),
)
def test_health_follows_from_the_data_alone(
    incident_at: int, back: int, interval: str, type: FailoverType
) -> None:
    plot = scenario(
        domain(
            state="synchronised",
            incidents=(incident(incident_at, "db1"),),
            pitr={"enabled": True, "window": "1d", "interval": interval},
        )
    )
    play = Player(plot)
    play.to(900)
    assert play.complete(type, run_pitr=True) is None
    play.until_recovered()
    play.session(after_failover=True)
    play.until_active()
    assert play.roll(900 - back) is None
    play.until_active()
    for member in play().vms:
        taken = member.rolled_back_to
        assert taken is not None and taken <= at(900 - back)
        later = member.name == "db1" and taken > at(incident_at)
        assert member.health == ("failed" if later else "ok")


@settings(max_examples=30, deadline=None)
@given(days=st.integers(1, 400), step=st.integers(1, 50))
def test_nothing_grows_with_time(days: int, step: int) -> None:
    play = Player(scenario())
    play.in_session()
    play.roll(0)
    play.until_active()
    play.leave()
    play.until(Mode.RUNNING_IN_FAILOVER)
    machine = play.simulation.machine("erp")
    assert machine is not None
    sizes = [len(list(one.writes.changes())) for one in machine.vms]
    for _ in range(step):
        play.after(days * 86400 / step)
    assert [len(list(one.writes.changes())) for one in machine.vms] == sizes
    assert play().points <= 3 * 1440
    assert at(play.now) > START


NIGHT = """
import sys
from datetime import timedelta
from drdeck.model.commands import BeginCompletion, StartContinuousFailover
from drdeck.model.domains import FailoverType, Mode
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.site_simulation import SiteSimulation
from tests.support.training.training_build import as_json
plot = load("busy-night")
night = SiteSimulation(plot)
for number, shown in enumerate(night.domains(plot.start)):
    at = plot.start + timedelta(seconds=number)
    if shown.mode is Mode.IMPORTED:
        night.take(StartContinuousFailover(operation=f"o{number}", domain=shown.name), at)
    else:
        begin = {"operation": f"o{number}", "domain": shown.name, "run_pitr": shown.pitr.enabled}
        night.take(BeginCompletion(**begin, type=FailoverType.PLANNED), at)
for minutes in (3, 40):
    now = plot.start + timedelta(minutes=minutes)
    sys.stdout.buffer.write(as_json(night.domains(now)))
    sys.stdout.buffer.write(as_json([night.points(spec.name, now) for spec in plot.domains[:5]]))
"""


def test_the_same_to_the_byte_whatever_the_process() -> None:
    def night_in(seed: str, zone: str) -> bytes:
        where = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", NIGHT], cwd=ROOT, env={**os.environ, **where},
            capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    first = night_in("1", "UTC")
    assert len(first) > 1_000_000
    for seed, zone in (("2", "Asia/Kathmandu"), ("77", "America/St_Johns")):
        assert night_in(seed, zone) == first
