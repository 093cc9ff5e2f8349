"""Completing a continuous failover: when it may be, in which of its types, and what it touches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drdeck.controller.journal.operations import OperationState, Question
from drdeck.model.actions.action_table import menu
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, StepState
from tests.site_contract.bench import DOMAIN, SHUTDOWN_S, VMS, Bench, MakeBench

OWNERSHIP = "Take Protected Domain ownership"
OFF, ON = dict.fromkeys(VMS, "off"), dict.fromkeys(VMS, "on")


def dimmed(bench: Bench, label: str) -> str | None:
    """Why the item of the More menu is dimmed; None when it is open."""
    return next(why for action, why in menu(bench.domain, bench.now()) if action.label == label)


def labels(bench: Bench) -> list[str]:
    return [action.label for action, _ in menu(bench.domain, bench.now())]


@pytest.mark.parametrize("kind", ["regular", "planned", "force"])
async def test_not_before_it_is_synchronised(make: MakeBench, kind: str) -> None:
    bench = await make(state="imported", behind=True, protected="off" if kind == "regular" else "on")
    assert bench.mode == Mode.IMPORTED and bench.domain.owner is Owner.REMOTE
    assert [label for label in labels(bench) if label != "Test Failover"] == [
        "Continuous Failover",
        "Failover",
    ]
    await bench.refused(bench.failover(kind), "only while it is in progress")

    start = await bench.submit(bench.asks("cfo_start"))
    await bench.until(lambda d: d.mode is Mode.REHYDRATING)
    await bench.refused(bench.failover(kind), "not synchronised yet")
    assert "not synchronised yet" in (dimmed(bench, "Failover") or "")
    assert not bench.operation(start).ended

    await bench.catch_up()
    assert (await bench.ended(start)).state is OperationState.DONE
    assert bench.mode == Mode.SYNCHRONISED
    assert bench.domain.vms_recoverable == bench.domain.vms_total == len(VMS)
    assert dimmed(bench, "Failover") is None
    assert bench.truth().power == OFF and not bench.truth().local
    await bench.done(bench.failover(kind)) if kind == "force" else await bench.submit(bench.failover(kind))


async def test_run_pitr_is_for_pitr_enabled_domains_only(make: MakeBench) -> None:
    bench = await make(pitr=False)
    await bench.refused(bench.failover(run_pitr=True), "is not PITR-enabled")
    ident = await bench.done(bench.failover())
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.domain.session is None
    assert (await bench.points()).points == () and bench.domain.points == 0
    assert bench.intents("StartSession") == [] and bench.operation(ident).state is OperationState.DONE
    assert "Start PITR Session" not in labels(bench)
    await bench.refused(bench.asks("pitr_start"), "is not PITR-enabled")


async def test_one_type_and_always_one(make: MakeBench) -> None:
    """Planned and force exclude each other by there being one type in a request, and none is refused."""
    bench = await make()
    assert set(FailoverType) == {FailoverType.REGULAR, FailoverType.PLANNED, FailoverType.FORCE}
    await bench.refused(bench.asks("cfo_complete", confirm=DOMAIN), "needs a failover type", code="usage")


async def test_regular_is_refused_while_the_protected_vms_run(make: MakeBench) -> None:
    bench = await make(protected="on")
    await bench.refused(bench.failover("regular"), "2 VMs still run")


async def test_regular(make: MakeBench) -> None:
    bench = await make(protected="off")
    await bench.done(bench.failover("regular"))
    truth = bench.truth()
    assert truth.power == ON and truth.source == OFF and truth.local and truth.session is None
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.domain.recovered
    assert bench.changes_at_source() == [] and bench.intents("StartSession") == []


async def test_with_the_protected_site_lost_only_force_is_open(make: MakeBench) -> None:
    bench = await make(protected="lost")
    for kind in ("regular", "planned"):
        await bench.refused(bench.failover(kind), "does not answer")
    await bench.done(bench.failover("force"))
    assert bench.truth().power == ON and bench.truth().local


async def test_force_wants_the_name_and_touches_nothing_at_the_protected_site(make: MakeBench) -> None:
    bench = await make(protected="on")
    for confirm in (None, DOMAIN.upper(), ""):
        await bench.refused(bench.failover(confirm=confirm), f'"{DOMAIN}"', code="unconfirmed")
    preview = await bench.controller.desk.preview(bench.failover())
    assert preview.tier == 3 and any("2 of 2 VMs run there" in said for said in preview.against)
    for some in ((), ("answers",), ("vms-running",)):
        await bench.refused(
            bench.failover(even_though=some), "Force is not needed as things are", "unconfirmed"
        )
    await bench.done(bench.failover())
    truth = bench.truth()
    assert truth.source == ON, "they go on running there"
    assert truth.power == ON and truth.local
    assert bench.changes_at_source() == []


async def test_planned_shuts_down_and_then_takes_over(make: MakeBench) -> None:
    bench = await make(protected="on")
    ident = await bench.submit(bench.failover("planned"))
    await bench.until_true(lambda: bench.truth().source == OFF)
    assert not bench.truth().local and bench.truth().power == OFF
    await bench.rest_of_data()
    assert (await bench.ended(ident)).state is OperationState.DONE
    assert bench.truth().power == ON and bench.truth().source == OFF
    assert bench.mode == Mode.RUNNING_IN_FAILOVER


def names_one(question: Question | None) -> bool:
    return question is not None and VMS[1] in question.text and VMS[0] not in question.text


async def stopped(bench: Bench) -> str:
    """A planned failover that a stubborn VM has stopped; its operation."""
    ident = await bench.submit(bench.failover("planned"))
    await bench.until_true(lambda: "off" in bench.truth().source.values())
    assert bench.operation(ident).question is None, "it is waited for first"
    await bench.advance(SHUTDOWN_S + 1)
    await bench.question_text(ident)
    await bench.until_true(lambda: names_one(bench.operation(ident).question), bench.state_text)
    question = bench.operation(ident).question
    assert question is not None and {"retry", "abort"} <= set(question.choices)
    await bench.advance(3600)
    truth = bench.truth()
    assert truth.power == OFF and not truth.local and truth.source == {VMS[0]: "off", VMS[1]: "on"}
    assert bench.mode == Mode.COMPLETING and bench.domain.owner is Owner.REMOTE
    return ident


async def test_a_stubborn_vm_stops_a_planned_failover_until_it_is_off(make: MakeBench) -> None:
    bench = await make(stubborn=VMS[1])
    ident = await stopped(bench)
    bench.power_off_by_hand(VMS[1])
    await bench.answer(ident, "retry")
    await bench.until_true(lambda: bench.truth().source == OFF)
    await bench.rest_of_data()
    assert (await bench.ended(ident)).state is OperationState.DONE
    assert bench.truth().power == ON and bench.truth().local


async def test_a_planned_failover_can_be_given_up_until_ownership_is_taken(make: MakeBench) -> None:
    bench = await make(stubborn=VMS[1])
    ident = await stopped(bench)
    question = await bench.question_text(ident)
    await bench.answer(ident, "abort")
    assert (await bench.ended(ident)).state is OperationState.ABORTED
    await bench.until(lambda d: d.mode is Mode.SYNCHRONISED)
    assert bench.domain.owner is Owner.REMOTE and bench.domain.failover is None
    truth = bench.truth()
    assert truth.power == OFF and not truth.local
    assert truth.source == {VMS[0]: "off", VMS[1]: "on"}, "what was shut down stays off, and that was said"
    assert "stay off" in question and "stay off" in (bench.operation(ident).error or "")
    await bench.done(bench.failover("force"))


def position(domain: Domain) -> int | None:
    """Where the step that goes on stands to the one that takes the ownership: before -1, in 0, after 1."""
    names = [step.label for step in domain.steps]
    going = [i for i, step in enumerate(domain.steps) if step.state is not StepState.DONE]
    if OWNERSHIP not in names or domain.mode is not Mode.COMPLETING:
        return None
    at = going[0] if going else len(names)
    return (at > names.index(OWNERSHIP)) - (at < names.index(OWNERSHIP))


@pytest.mark.parametrize("kind", ["regular", "planned"])
async def test_the_owner_changes_with_its_step(make: MakeBench, kind: str) -> None:
    bench = await make(protected="off" if kind == "regular" else "on")
    ident = await bench.submit(bench.failover(kind))
    if kind == "planned":
        await bench.rest_of_data()
    await bench.ended(ident)
    owners = {(position(d), d.owner) for d in bench.history if position(d) is not None}
    assert (
        (-1, Owner.LOCAL) not in owners and (1, Owner.REMOTE) not in owners and (0, Owner.LOCAL) not in owners
    )
    assert (1, Owner.LOCAL) in owners
    assert bench.domain.owner is Owner.LOCAL and bench.truth().local


async def test_force_takes_the_ownership_at_once(make: MakeBench) -> None:
    bench = await make(protected="lost")
    began = bench.now()
    ident = await bench.submit(bench.failover("force"))
    await bench.until(lambda d: d.owner is Owner.LOCAL)
    assert bench.now() - began < timedelta(seconds=10), "no lease is waited for"
    first = next(d for d in bench.history if d.owner is Owner.LOCAL)
    assert all(not vm.ready for vm in first.vms) and not first.recovered
    await bench.ended(ident)
    assert not any(vm.ready for d in bench.history if d.owner is Owner.REMOTE for vm in d.vms)
