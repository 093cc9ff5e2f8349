"""A skip means the VMs that the operator saw, all of them by one write of the record."""

from __future__ import annotations

from drdeck.controller.journal.event_store import Event
from drdeck.controller.journal.operations import Question
from drdeck.controller.journal.projection import apply
from drdeck.controller.next_steps import GiveCommands
from drdeck.controller.operation_loop import MANY_VMS, little_less
from drdeck.controller.reconcile import next_step
from drdeck.model.commands import Resolve, Skip
from drdeck.model.domains import Failover, FailoverType, Mode
from drdeck.model.planned import Phase, PlannedCall, SiteQuestion
from tests.support.operation_build import NOW, OP, domain, operation

FORCE = Failover(id=OP, type=FailoverType.FORCE)


def question(many: int, ident: str = "ready:1") -> Question:
    vms = {f"vm-{n}": f"web{n}" for n in range(many)}
    return Question(id=ident, kind="site", text="not ready", choices=("retry", "skip"), vms=vms)


def answered(choice: str) -> Event:
    data = {"operation": OP, "question": "ready:1", "choice": choice}
    return Event(id=1, time=NOW, actor="anna@jump", kind="answer", data=data, previous="", hash="")


def test_a_skip_carries_the_vms_of_the_question_that_was_answered() -> None:
    operations = apply({OP: operation(question=question(2))}, answered("skip"))
    site_question = SiteQuestion(
        id="ready:1",
        operation=OP,
        text="one more",
        choices=("retry", "skip"),
        vms={f"vm-{n}": f"web{n}" for n in range(3)},
    )
    at = domain(Mode.COMPLETING, question=site_question, failover=FORCE)
    step = next_step(operations[OP], at, 1)
    assert isinstance(step, GiveCommands)
    (resolve,) = step.commands
    assert isinstance(resolve, Resolve) and resolve.vms == ("vm-0", "vm-1")


def test_any_number_of_vms_is_skipped_by_one_command() -> None:
    calls = tuple(PlannedCall(key=f"power:{n}", kind="power_on", vm=f"vm-{n}") for n in range(10_000))
    phase = Phase(operation=OP, name="Execute runbook", calls=calls)
    at = domain(Mode.COMPLETING, phase=phase, failover=FORCE)
    skipped = {f"vm-{n}": f"web{n}" for n in range(10_000)}
    step = next_step(operation(skipped=skipped), at, 1)
    assert isinstance(step, GiveCommands)
    (skip,) = step.commands
    assert isinstance(skip, Skip) and skip.vms == skipped
    assert skip.says == "continue without web0, web1, web10 and 9997 more"


def test_a_question_about_many_is_written_down_anew_only_when_it_is_about_others() -> None:
    before = question(2 * MANY_VMS)
    assert little_less(before, question(2 * MANY_VMS - 1))
    assert not little_less(before, question(MANY_VMS)), "so many less is news"
    assert not little_less(before, question(2 * MANY_VMS + 1)), "one that the operator has not seen"
    assert not little_less(before, question(2 * MANY_VMS - 1, "ready:2"))
    assert not little_less(question(3), question(2)), "a few are named each time"
