"""The whole flow at the training site, in each of its ways."""

from __future__ import annotations

import pytest

from drdeck.model.commands import (
    AbortCompletion,
    BeginCompletion,
    FinishFailover,
    MakePlannedCall,
    RollBack,
    StartSession,
)
from drdeck.model.domains import FailoverType, Mode, Owner, SessionState, StepState
from drdeck.model.planned import PlannedCall
from drdeck.sites.training.simulation.data_flow import LAG
from drdeck.sites.training.simulation.task_steps import LABELS
from drdeck.sites.training.site_simulation import Accepted, view
from drdeck.sites.training.units import SECOND
from tests.support.training.training_build import GB, Player, at, domain, fault, scenario, vm

PLANNED, FORCE, REGULAR = FailoverType.PLANNED, FailoverType.FORCE, FailoverType.REGULAR


def test_imported_shows_points_but_no_data() -> None:
    domain = Player(scenario())()
    assert domain.mode is Mode.IMPORTED and domain.owner is Owner.REMOTE
    assert domain.processed_bytes is None and domain.consistent_at is None
    assert domain.points == 3 * 1440 and domain.steps == () and domain.phase is None


def test_preparing_takes_the_six_steps_in_order() -> None:
    play = Player(scenario())
    assert play.start() is None
    numbers: list[int] = []
    while True:
        step = play.after(0.5).step
        assert step is not None
        if not numbers or numbers[-1] != step.number:
            numbers.append(step.number)
        if step.number == 7:
            break
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    domain = play()
    assert [s.label for s in domain.steps] == list(LABELS) and len(LABELS) == 15
    assert [s.state for s in domain.steps[:7]] == [StepState.DONE] * 6 + [StepState.CURRENT]


def test_vms_become_recoverable_one_by_one_in_runbook_order() -> None:
    play = Player(scenario())
    play.start()
    came_up: list[tuple[str, ...]] = []
    while play().mode is not Mode.SYNCHRONISED:
        now = tuple(v.name for v in play().vms if v.status == "recoverable")
        if not came_up or came_up[-1] != now:
            came_up.append(now)
        play.after(1)
    assert came_up == [(), ("db1",), ("db1", "app1")]
    assert play().vms_recoverable == 3


def test_rehydration_is_bytes_over_bandwidth() -> None:
    slow = Player(scenario(link=100_000_000))
    slow.start()
    prepared = next(s for s in range(1, 200) if slow.to(s).step.number == 7)  # type: ignore[union-attr]
    slow.until(Mode.SYNCHRONISED)
    # 30 GB and what is written meanwhile (3 MB/s) over 100 MB/s
    assert slow.now - prepared == pytest.approx(30_000 / 97, abs=6)


def test_the_link_is_shared_by_the_domains() -> None:
    plot = scenario(domain("erp"), domain("crm"), link=200_000_000)
    both = Player(plot)
    both.start()
    both.name = "crm"
    both.start()
    both.until(Mode.SYNCHRONISED)
    alone = Player(plot)
    alone.start()
    alone.until(Mode.SYNCHRONISED)
    assert both.now > 1.7 * alone.now


def test_too_many_writes_take_it_back_to_rehydrating() -> None:
    plot = scenario(
        domain(
            vms=(vm("db1", rate=40_000_000), vm("app1"), vm("app2")),
            incidents=({"at": at(2000), "vms": ("db1",), "write_factor": 30, "until": at(2400)},),
        ),
        link=200_000_000,
    )
    play = Player(plot)
    play.start()
    play.until(Mode.SYNCHRONISED)
    rpo = play.to(1990).rpo_s(at(1990))
    assert rpo == LAG / SECOND
    erp = play.to(2300)
    assert erp.mode is Mode.REHYDRATING and (erp.rpo_s(at(2300)) or 0) > 60
    assert erp.vms_recoverable == 0
    assert play.complete(PLANNED) is not None
    assert play.until(Mode.SYNCHRONISED, 20_000).vms_recoverable == 3


def test_planned_loses_nothing_and_ends_here() -> None:
    play = Player(scenario())
    play.start()
    play.until(Mode.SYNCHRONISED)
    assert play.complete(PLANNED) is None
    domain = play.after(5)
    assert domain.owner is Owner.REMOTE and all(v.power == "off" for v in domain.vms)
    domain = play.until_recovered()
    assert domain.owner is Owner.LOCAL and domain.mode is Mode.COMPLETING and domain.recovered
    assert all(v.power == "on" and v.ready for v in domain.vms)
    assert [s.state for s in domain.steps] == [StepState.DONE] * 15
    assert play.after(600).mode is Mode.COMPLETING
    assert play.finish() is None
    domain = play()
    assert domain.mode is Mode.RUNNING_IN_FAILOVER
    assert domain.failover is not None and domain.failover.id == "op2"


def test_the_runbook_is_kept() -> None:
    play = Player(scenario())
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    on: dict[str, float] = {}
    while not play().recovered:
        for member in play().vms:
            if member.power == "on":
                on.setdefault(member.name, play.now)
        play.after(0.25)
    assert on["app1"] == on["app2"] == pytest.approx(on["db1"] + 30 + 10, abs=0.3)


def test_force_owns_at_once_and_loses_what_was_under_way() -> None:
    play = Player(scenario())
    play.start()
    play.until(Mode.SYNCHRONISED)
    began = play.now
    assert play.complete(FORCE) is None
    domain = play()
    assert domain.owner is Owner.LOCAL and domain.mode is Mode.COMPLETING
    assert domain.consistent_at == at(began - LAG / SECOND)
    assert domain.remaining_bytes == 0
    assert play.until_recovered().owner is Owner.LOCAL


def test_regular_goes_with_the_protected_vms_off() -> None:
    play = Player(scenario(domain(protected_vms="off")))
    assert play.failed_over(REGULAR).owner is Owner.LOCAL


def test_regular_waits_for_the_lease_of_a_lost_site() -> None:
    plot = scenario(domain(protected_site="lost"))
    regular, force = Player(plot), Player(plot)
    regular.failed_over(REGULAR)
    force.failed_over(FORCE)
    assert regular.now > force.now + 50
    assert "protected_site_lost" in {a.kind for a in Player(plot)().alarms}


def test_stubborn_vm_asks_and_nothing_is_powered_on_meanwhile() -> None:
    play = Player(scenario(faults=(fault("shutdown_fails", "app1"),)))
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    question = play.until_asked().question
    assert question is not None and question.choices == ("retry", "abort") and question.operation == "op2"
    assert "app1" in question.text
    domain = play.after(3600)
    assert domain.owner is Owner.REMOTE and all(v.power == "off" for v in domain.vms)
    assert {a.kind for a in domain.alarms} == {"shutdown_failed"}
    assert play.answer("retry") is None
    assert play().question is None and play().alarms == ()
    assert play.until_recovered().owner is Owner.LOCAL


def test_abort_of_a_stubborn_vm_goes_back_to_rehydration() -> None:
    play = Player(scenario(faults=(fault("shutdown_fails", "app1"),)))
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    play.until_asked()
    assert play.answer("skip") == "'skip' is no answer to that; it is one of retry, abort"
    assert play.answer("abort") is None
    domain = play()
    assert domain.mode is Mode.SYNCHRONISED and domain.failover is None and domain.owner is Owner.REMOTE
    machine = play.simulation.machine("erp")
    assert machine is not None
    running = {vm.name: vm.at_source for vm in machine.vms}
    assert running == {"db1": False, "app1": True, "app2": False}, "what is off there stays off"
    before = domain.processed_bytes
    assert (play.after(100).processed_bytes or 0) > (before or 0), "what runs there goes on writing"
    assert play.complete(PLANNED) is None
    assert play.until_recovered().recovered


@pytest.mark.parametrize("seconds", [0, 3, 17])
def test_giving_up_is_open_until_ownership_is_taken(seconds: float) -> None:
    play = Player(scenario())
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    play.after(seconds)
    assert play.give(AbortCompletion(operation="op2", domain="erp")) is None
    assert play().mode is Mode.SYNCHRONISED and play().failover is None


def test_giving_up_is_closed_after_that() -> None:
    play = Player(scenario())
    play.failed_over()
    assert "owns" in (play.give(AbortCompletion(operation="op2", domain="erp")) or "")
    forced = Player(scenario())
    forced.start()
    forced.until(Mode.SYNCHRONISED)
    forced.complete(FORCE)
    assert "owns" in (forced.give(AbortCompletion(operation="op2", domain="erp")) or "")


@pytest.mark.parametrize(("choice", "on"), [("retry", True), ("skip", False)])
def test_a_vm_that_does_not_power_on_asks(choice: str, on: bool) -> None:
    play = Player(scenario(faults=(fault("power_on_fails", "db1"),)))
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    question = play.until_asked().question
    assert question is not None and question.choices == ("retry", "skip")
    domain = play.after(600)
    assert [v.power for v in domain.vms] == ["off"] * 3, "later groups wait"
    assert domain.vms[0].error is not None and "power_on_failed" in {a.kind for a in domain.alarms}
    assert play.answer(choice) is None
    domain = play.until_recovered()
    assert (domain.vms[0].power == "on") is on and domain.vms[1].power == "on"
    assert domain.recovered


def test_a_power_on_can_fail_several_times() -> None:
    play = Player(scenario(faults=(fault("power_on_fails", "db1", times=2),)))
    play.start()
    play.until(Mode.SYNCHRONISED)
    play.complete(PLANNED)
    first = play.until_asked().question
    assert play.answer("retry") is None
    second = play.until_asked().question
    assert first is not None and second is not None and first.id != second.id
    play.answer("retry")
    assert play.until_recovered().question is None


def test_a_slow_vm_is_slow() -> None:
    quick, slow = Player(scenario()), Player(scenario(faults=(fault("slow_vm", "db1"),)))
    quick.failed_over(FORCE)
    slow.failed_over(FORCE)
    assert slow.now == pytest.approx(quick.now + 4 * 30, abs=2)


def test_a_lost_object_store_stalls_rehydration_and_points() -> None:
    play = Player(scenario(faults=(fault("object_store_lost", start=40, end=340),)))
    play.start()
    domain = play.to(100)
    stuck = domain.processed_bytes
    assert {a.kind for a in domain.alarms} == {"object_store_lost"}
    domain = play.to(339)
    assert domain.processed_bytes == stuck and domain.newest_point == at(0)
    domain = play.to(470)
    assert domain.mode is Mode.SYNCHRONISED and domain.alarms == ()
    assert [p.time for p in play.points().points[:3]] == [at(420), at(360), at(0)]


def test_a_session_waits_for_the_object_store() -> None:
    play = Player(scenario(faults=(fault("object_store_lost", start=1000, end=1300),)))
    play.failed_over(PLANNED, run_pitr=True)
    play.to(1010)
    assert play.session(after_failover=True) is None
    domain = play.to(1299)
    assert domain.session is not None and domain.session.state is SessionState.WAITING
    assert domain.session.started_at is None and domain.excluded == () and "store" in domain.session.waits_for
    assert play.to(1310).session.state is SessionState.ACTIVE  # type: ignore[union-attr]


REFUSED = [
    (Mode.IMPORTED, BeginCompletion(operation="x", domain="erp", type=PLANNED), 'is "Imported"'),
    (Mode.IMPORTED, FinishFailover(operation="x", domain="erp"), "no failover"),
    (Mode.IMPORTED, StartSession(operation="x", domain="erp", session="s"), "while"),
    (Mode.IMPORTED, RollBack(operation="x", domain="erp", to=at(0)), "no PITR session"),
    (Mode.SYNCHRONISED, BeginCompletion(operation="x", domain="erp", type=REGULAR), "still run"),
    (Mode.SYNCHRONISED, StartSession(operation="x", domain="erp", session="s", after_failover=True), "asked"),
    (
        Mode.SYNCHRONISED,
        BeginCompletion(operation="x", domain="erp", type=PLANNED, networks={"nowhere": "DRSeg"}),
        "network",
    ),
    (
        Mode.IMPORTED,
        MakePlannedCall(operation="x", domain="erp", call=PlannedCall(key="k", kind="k")),
        "drives itself",
    ),
    (Mode.IMPORTED, FinishFailover(operation="x", domain="other"), "no domain"),
]


@pytest.mark.parametrize(("mode", "command", "words"), REFUSED)
def test_refused(mode: Mode, command: BeginCompletion, words: str) -> None:
    play = Player(scenario())
    if mode is Mode.SYNCHRONISED:
        play.start()
        play.until(Mode.SYNCHRONISED)
    assert words in (play.give(command) or "")
    assert play.accepted == play.accepted[: 1 if mode is Mode.SYNCHRONISED else 0]


def test_planned_is_refused_where_the_site_is_lost() -> None:
    play = Player(scenario(domain(protected_site="lost", state="synchronised")))
    assert "does not answer" in (play.complete(PLANNED) or "")


def test_run_pitr_is_for_pitr_enabled_domains() -> None:
    play = Player(scenario(domain(pitr={"enabled": False}, state="synchronised")))
    assert play().points == 0
    assert "PITR-enabled" in (play.complete(PLANNED, run_pitr=True) or "")
    assert play.points().points == ()


def test_with_run_pitr_a_failover_is_finished_by_its_session_only() -> None:
    play = Player(scenario())
    play.failed_over(run_pitr=True)
    assert "session" in (play.finish() or "")


def test_commands_given_twice_count_once() -> None:
    play = Player(scenario())
    play.in_session()
    to = RollBack(operation="once", domain="erp", to=at(0))
    assert play.give(to) is None
    domain = play.until_active()
    assert domain.session is not None and domain.session.rollbacks == 1
    again = [Accepted(at=at(play.now), command=one.command) for one in play.accepted]
    assert view(play.plot, [*play.accepted, *again], at(play.now)) == (domain,)


def test_conservation_against_an_integral_of_its_own() -> None:
    plot = scenario(domain(incidents=({"at": at(150), "vms": ("app1",), "write_factor": 7},)))
    play = Player(plot)
    play.start()
    origin = next(s / 10 for s in range(1, 2000) if play.to(s / 10).processed_bytes is not None)
    for seconds in (60, 100, 149, 150, 151, 200, 333.25, 1000):
        erp = play.to(seconds)
        written = 30 * GB + round(3_000_000 * (seconds - origin + 4))
        written += round(6_000_000 * max(0.0, seconds - 150))
        assert (erp.processed_bytes or 0) + (erp.remaining_bytes or 0) == pytest.approx(written, abs=600_000)
