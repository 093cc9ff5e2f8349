"""Tests of a domain in the simulation: clones that come late, and a replication tool that is paused."""

from __future__ import annotations

from drdeck.model.alarms import Severity
from drdeck.model.commands import UndoFailover
from drdeck.model.domains import Domain, FailoverType, Mode
from drdeck.model.facts.trial_facts import TrialState
from tests.support.training.training_build import Player, domain, fault, scenario

LATE = "drdeck-test-erp-db1"


def kinds(state: Domain) -> list[str]:
    return [alarm.kind for alarm in state.alarms]


def ended_too_early(*faults: str, end: float | None = None) -> Player:
    """A test is ended while the clone of db1 is being made still."""
    late = fault("late_clone", "db1") if end is None else fault("late_clone", "db1", start=0, end=end)
    play = Player(scenario(faults=(late, *(fault(kind, "db1") for kind in faults))))
    assert play.test() is None
    play.after(120)
    trial = play().trial
    assert trial is not None and trial.state is TrialState.STARTING
    assert trial.waits_for == "cloning 1 of 3 VMs" and {vm.of for vm in trial.vms} == {"app1", "app2"}
    assert play.end_test("failed") is None
    play.after(10)
    assert play().trial is None and play().strays == () and kinds(play()) == []
    return play


def test_a_late_clone_comes_after_its_test_and_no_list_has_it() -> None:
    play = ended_too_early()
    state = play.after(30)
    (stray,) = state.strays
    assert (stray.name, stray.of, stray.power, stray.operation) == (LATE, "db1", "off", "op1")
    (alarm,) = state.alarms
    assert (alarm.kind, alarm.severity, alarm.vm) == ("test_leftover", Severity.WARNING, "db1")
    assert (
        alarm.text == f"test VM {LATE} is in no list of test VMs; drdeck test leftovers says what can be done"
    )
    assert state.trial is None and play.end_test() == '"erp" is not being tested'
    assert state.tested is not None and state.tested.vms == 2, "what was cloned"


def test_it_is_adopted_and_removed_by_end_test() -> None:
    play = ended_too_early()
    play.after(30)
    ident = play().strays[0].id
    assert play.adopt("test-nobody") is not None
    assert play.adopt(ident) is None
    state = play.after(86_400)
    assert state.strays == () and state.trial is not None
    (left,) = state.trial.left
    assert (left.id, left.name, left.of) == (ident, LATE, "db1")
    assert left.left == "taken back into the list; End Test removes it"
    assert state.trial.state is TrialState.LEFT_OVER and kinds(state) == ["test_leftover"]
    assert play.adopt(ident) is not None, "it is in the list already"
    assert play.end_test() is None
    assert [vm.name for vm in (play().trial or state.trial).vms] == [LATE]
    state = play.after(10)
    assert state.trial is None and state.strays == () and kinds(state) == []
    assert state.tested is not None and state.tested.result == "failed", "the word of the test as it was"


def test_a_fault_that_ends_lets_the_test_continue() -> None:
    play = Player(scenario(faults=(fault("late_clone", "db1", start=0, end=300),)))
    assert play.test() is None
    assert (trial := play.to(290).trial) is not None and trial.state is TrialState.STARTING
    assert (trial := play.to(500).trial) is not None and trial.state is TrialState.RUNNING
    assert play.end_test("passed") is None
    state = play.after(60)
    assert state.trial is None and state.strays == () and state.tested is not None and state.tested.vms == 3
    early = ended_too_early(end=300)
    assert early.to(299).strays == () and len(early.to(301).strays) == 1


def test_another_test_meanwhile_takes_neither_its_name_nor_it() -> None:
    play = ended_too_early()
    play.after(30)
    assert play.test() is None
    state = play.after(300)
    assert state.trial is not None and state.trial.state is TrialState.RUNNING
    assert {vm.name for vm in state.trial.vms if vm.of == "db1"} == {f"{LATE}-2"}
    assert play.adopt(state.strays[0].id) is None
    state = play.after(1)
    assert state.trial is not None and [vm.name for vm in state.trial.left] == [LATE]
    assert play.end_test("passed") is None
    state = play.after(10)
    assert state.trial is None and state.strays == () and kinds(state) == []


def test_what_was_left_over_is_left_over_still_while_the_next_test_runs() -> None:
    play = Player(scenario(faults=(fault("foreign_disk", "db1", times=2),)))
    assert play.test() is None
    play.after(300)
    assert play.end_test() is None
    trial = play.after(10).trial
    assert trial is not None and trial.state is TrialState.LEFT_OVER
    grown = trial.grown_bytes
    assert play.test() is None
    state = play.after(300)
    assert state.trial is not None and state.trial.state is TrialState.RUNNING
    assert [vm.name for vm in state.trial.left] == [LATE] and len(state.trial.vms) == 4
    assert play.end_test() is None
    state = play.after(10)
    assert state.trial is not None and [vm.of for vm in state.trial.left] == ["db1"], "it strikes twice"
    assert play.end_test(detach=("a file",)) is None
    assert play.after(10).trial is None and grown is not None


def test_a_failover_in_mid_test_leaves_the_late_clone_behind() -> None:
    late = fault("late_clone", "db1")
    play = Player(scenario(domain(state="synchronised"), faults=(late,)))
    assert play.test() is None
    play.after(60)
    assert play.complete(FailoverType.FORCE) is None
    play.until_recovered()
    assert play.finish() is None
    state = play.until(Mode.RUNNING_IN_FAILOVER)
    assert [vm.name for vm in state.strays] == [LATE] and "test_leftover" in kinds(state)
    assert play.adopt(state.strays[0].id) is None and play.end_test() is None
    state = play.after(10)
    assert state.trial is None and state.strays == ()


# -- the replication tool


def paused() -> Player:
    """A test that runs, once somebody has said that the tool is paused."""
    play = Player(scenario(domain(tool="manual")))
    assert play.test() is None
    state = play.after(3600)
    assert state.question is not None and state.question.operation == "op1"
    assert "retention of the replication tool paused for erp" in state.question.text
    assert '(tool = "manual" in the scenario.)' in state.question.text
    assert state.question.choices == ("confirm", "abort") and kinds(state) == []
    assert state.trial is not None and state.trial.vms == () and state.trial.state is TrialState.STARTING
    assert state.trial.waits_for == "", "the question says it all"
    assert play.answer("confirm", "anna@jump") is None
    state = play.after(7200)
    assert state.question is None and state.trial is not None and state.trial.state is TrialState.RUNNING
    return play


def test_the_tool_is_asked_for_before_the_first_clone_and_let_go_on_at_the_end() -> None:
    play = paused()
    (alarm,) = play().alarms
    assert (alarm.kind, alarm.severity) == ("tool_paused", Severity.INFO)
    assert "by the word of anna@jump" in alarm.text and "End Test asks for it to be resumed" in alarm.text
    assert play.end_test("passed") is None
    assert play().question is None, "test VMs are being removed"
    state = play.after(10)
    assert state.question is not None and "Resume the replication tool's retention" in state.question.text
    assert "anna@jump" in state.question.text and state.question.choices == ("confirm",)
    assert [(a.kind, a.severity) for a in state.alarms] == [("tool_paused", Severity.WARNING)]
    assert play.answer("confirm") is None
    state = play.after(1)
    assert state.trial is None and state.question is None and kinds(state) == []


def test_the_obligation_stays_while_a_test_vm_is_left_over() -> None:
    play = Player(scenario(domain(tool="manual"), faults=(fault("foreign_disk", "db1"),)))
    assert play.test() is None and play.answer("confirm") is None
    play.after(300)
    assert play.end_test() is None
    state = play.after(10)
    assert state.question is None and sorted(kinds(state)) == ["test_leftover", "tool_paused"]
    assert play.end_test() is None
    assert play.after(10).question is not None


def test_a_start_that_is_given_up_owes_nothing() -> None:
    play = Player(scenario(domain(tool="manual")))
    assert play.test() is None and play.answer("abort") is None
    state = play.after(600)
    assert state.trial is not None and state.trial.vms == ()
    assert play.end_test() is None
    state = play.after(10)
    assert state.trial is None and state.question is None and kinds(state) == []


def test_a_failover_has_its_own_word_about_the_tool() -> None:
    play = Player(scenario(domain(tool="manual", state="synchronised")))
    assert play.test() is None and play.answer("confirm") is None
    play.after(300)
    assert play.complete(FailoverType.FORCE) is None
    play.until_recovered()
    assert play.finish() is None
    state = play.until(Mode.RUNNING_IN_FAILOVER)
    assert state.trial is None and "tool_paused" not in kinds(state)
    assert play.give(UndoFailover(operation="undo", domain="erp")) is None
    state = play.until(Mode.IMPORTED)
    assert state.trial is None and state.question is None and "tool_paused" not in kinds(state)


def test_the_tool_stays_paused_while_a_test_vm_is_in_no_list() -> None:
    play = Player(scenario(domain(tool="manual"), faults=(fault("late_clone", "db1"),)))
    assert play.test() is None and play.answer("confirm", "anna") is None
    play.after(60)
    assert play.end_test() is None
    assert play.after(10).question is not None, "nobody knows of the clone yet"
    state = play.after(60)
    assert state.question is None and state.trial is not None
    assert state.trial.state is TrialState.LEFT_OVER and state.trial.vms == ()
    assert "paused for a test, by the word of anna" in state.trial.waits_for
    assert sorted(kinds(state)) == ["test_leftover", "tool_paused"]
    assert play.adopt(state.strays[0].id) is None and play.end_test() is None
    state = play.after(10)
    assert state.question is not None and play.answer("confirm") is None
    state = play.after(1)
    assert state.trial is None and kinds(state) == []
