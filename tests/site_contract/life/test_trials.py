"""Test Failover: a rehearsal of which the domain knows nothing, and that leaves nothing behind."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from drdeck.controller.journal.operations import OperationState
from drdeck.model.alarms import Severity
from drdeck.model.domains import Mode, Owner
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.life.trial_words import ADOPTED
from drdeck.sites.contract import Refused
from tests.site_contract.bench import ANNA, DOMAIN, VMS, Bench, MakeBench


def stands(bench: Bench) -> object:
    """All that a test must leave as it was."""
    d = bench.domain
    return bench.truth(), d.mode, d.owner, d.failover, d.session, d.excluded, d.networks.mapping


async def begin_test(bench: Bench) -> str:
    ident = await bench.done(bench.asks("test_start"))
    assert bench.domain.trial is not None
    return ident


async def test_a_domain_is_tested_and_the_test_ended(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    before = stands(bench)
    await bench.refused(bench.asks("test_end"), "is not being tested")
    await begin_test(bench)
    trial = bench.domain.trial
    assert trial is not None and trial.state is TrialState.RUNNING
    assert sorted(vm.of for vm in trial.vms) == sorted(VMS) and all(vm.ready for vm in trial.vms)
    assert stands(bench) == before
    await bench.refused(bench.asks("test_start"), "is being tested already")

    await bench.done(bench.asks("test_end", result="passed", note="all logins work"))
    assert bench.domain.trial is None and stands(bench) == before
    last = bench.domain.tested
    assert last is not None and (last.result, last.note, last.vms) == ("passed", "all logins work", 2)
    await begin_test(bench)
    await bench.done(bench.asks("test_end"))
    assert bench.domain.tested is not None and bench.domain.tested.result == "not said"


async def test_of_some_vms_at_an_instant(make: MakeBench) -> None:
    bench = await make(state="synchronised", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    at = bench.domain.newest_point or bench.now()
    await bench.refused(bench.asks("test_start", vms=("nobody",)), "no VM named", "usage")
    wrong = bench.asks("test_start", networks={"*": "no such network"})
    await bench.refused(wrong, "not an isolated one")
    too_old = bench.asks("test_start", to=at - timedelta(days=900))
    await bench.refused(too_old, "no restore point of .* at or before")
    await bench.done(bench.asks("test_start", vms=(VMS[0],), to=at))
    trial = bench.domain.trial
    assert trial is not None and [vm.of for vm in trial.vms] == [VMS[0]] and trial.point == at
    assert bench.mode == Mode.SYNCHRONISED and bench.domain.owner is Owner.REMOTE
    await bench.done(bench.asks("test_end"))


async def test_a_real_failover_ends_it_first(make: MakeBench) -> None:
    bench = await make(tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    preview = await bench.controller.desk.preview(bench.failover("force"))
    assert any("test of the domain ends first" in text for text in preview.says), preview.says
    await bench.done(bench.failover("force"))
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().local
    await bench.until(lambda d: d.trial is None)
    assert bench.domain.tested is not None and "failover" in bench.domain.tested.note
    await bench.refused(bench.asks("test_start"), "a test is for a domain that is not owned here")


async def test_one_that_a_failover_powered_off_is_not_said_to_run_too_long(make: MakeBench) -> None:
    bench = await make(tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await bench.done(bench.asks("test_start", ends_after_s=600.0))
    await bench.recovered_into_session()
    await bench.advance(700)
    await bench.look()
    assert not {alarm.kind for alarm in bench.domain.alarms} & {"test_overdue", "test_long"}


async def test_a_test_is_not_for_a_domain_in_a_session(make: MakeBench) -> None:
    bench = await make(state="owned", tests=True)
    await bench.session_by_hand()
    await bench.refused(bench.asks("test_start"), "has a PITR session", moving=True)


async def test_it_is_overdue(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await bench.refused(bench.asks("test_start", ends_after_s=5.0), "from one minute to 14 days")
    await bench.done(bench.asks("test_start", ends_after_s=600.0))
    await bench.advance(700)
    domain = await bench.until(lambda d: d.trial is not None and d.trial.state is TrialState.OVERDUE)
    assert any(alarm.kind == "test_overdue" for alarm in domain.alarms)
    ended = await bench.ended(await bench.submit(bench.asks("test_end", result="failed")))
    assert ended.state is OperationState.DONE and bench.domain.name == DOMAIN


async def test_what_the_site_leaves_over_is_named_and_tried_again(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    await bench.spoil_test_vm(VMS[0])
    await bench.done(bench.asks("test_end", result="passed"))
    left = bench.domain.trial
    assert left is not None and left.state is TrialState.LEFT_OVER
    assert [vm.of for vm in left.left] == [VMS[0]] and "disk" in left.left[0].left
    assert any(alarm.kind == "test_leftover" for alarm in bench.domain.alarms)
    await bench.mend_test_vm(VMS[0])
    await bench.done(bench.asks("test_end"))
    assert bench.domain.trial is None
    assert bench.domain.tested is not None and bench.domain.tested.result == "passed"


async def test_a_disk_of_another_vm_is_detached_by_consent(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    await bench.refused(bench.asks("test_detach"), "is under way; end it first")
    await bench.spoil_test_vm(VMS[0])
    await bench.done(bench.asks("test_end"))
    trial = bench.domain.trial
    assert trial is not None and "drdeck test detach" in trial.left[0].left
    ((file, vm),) = trial.foreign
    assert vm == trial.left[0].name
    preview = await bench.controller.desk.preview(bench.asks("test_detach"))
    assert f"Detached, without deleting any file: {file} from {vm}." in preview.says
    await bench.done(bench.asks("test_detach"))
    assert bench.domain.trial is None
    bench.can_be_attached(file)


async def test_a_clone_that_comes_after_its_test_is_adopted_and_removed(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await bench.refused(bench.asks("test_adopt"), "every test VM of .* is in its list")
    await bench.late_clone(VMS[0])
    (stray,) = bench.domain.strays
    assert (stray.of, bench.domain.trial) == (VMS[0], None) and VMS[0] in stray.name
    (alarm,) = (a for a in bench.domain.alarms if a.kind == "test_leftover")
    assert f"{stray.name} is in no list of test VMs; drdeck test leftovers says" in alarm.text
    await bench.refused(bench.asks("test_end"), "is not being tested")
    refusal = "has the mark of a test of .* without being in its list"
    await bench.refused(bench.asks("test_adopt", test_vms=("nobody",)), refusal)
    preview = await bench.controller.desk.preview(bench.asks("test_adopt"))
    sentence = f"Taken into the list of what is left over: {stray.name}. Nothing is done to it now."
    assert sentence in preview.says

    await bench.done(bench.asks("test_adopt", test_vms=(stray.name,)))
    trial = bench.domain.trial
    assert trial is not None and trial.state is TrialState.LEFT_OVER and bench.domain.strays == ()
    assert [(vm.name, vm.left) for vm in trial.left] == [(stray.name, ADOPTED)]
    await bench.refused(bench.asks("test_adopt", test_vms=(stray.name,)), refusal)
    await bench.done(bench.asks("test_end"))
    assert bench.domain.trial is None and bench.domain.strays == ()
    assert not [alarm for alarm in bench.domain.alarms if alarm.kind == "test_leftover"]


async def test_the_tool_is_paused_by_a_word_and_let_go_on_by_another(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True, tool=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    start = await bench.submit(bench.asks("test_start"))
    pending = await bench.question_text(start)
    assert "Is the retention of the replication tool paused for" in pending
    asked_about = bench.operation(start).question
    assert asked_about is not None and asked_about.choices == ("confirm", "abort")
    assert bench.domain.trial is not None and bench.domain.trial.vms == ()
    await bench.answer(start, "confirm")
    await bench.until(lambda d: d.trial is not None and d.trial.state is TrialState.RUNNING)
    (alarm,) = (a for a in bench.domain.alarms if a.kind == "tool_paused")
    assert alarm.severity is Severity.INFO and ANNA in alarm.text

    end = await bench.submit(bench.asks("test_end", result="passed"))
    assert ANNA in await bench.question_text(end)
    asked_about = bench.operation(end).question
    assert asked_about is not None and asked_about.choices == ("confirm",)
    assert bench.domain.trial is not None and bench.domain.trial.vms == ()
    (alarm,) = (a for a in bench.domain.alarms if a.kind == "tool_paused")
    assert alarm.severity is Severity.WARNING
    await bench.answer(end, "confirm")
    await bench.until(lambda d: d.trial is None)
    assert not bench.domain.alarms and bench.domain.tested is not None


async def test_a_start_that_is_given_up_owes_the_tool_nothing(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True, tool=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    start = await bench.submit(bench.asks("test_start"))
    assert "Pause it, then answer confirm" in await bench.question_text(start)
    await bench.answer(start, "abort")
    assert (await bench.ended(start)).state is OperationState.ABORTED
    await bench.done(bench.asks("test_end"))
    await bench.until(lambda d: d.trial is None)
    assert "tool_paused" not in {alarm.kind for alarm in bench.domain.alarms}


async def test_test_vms_grow(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    before = bench.domain.trial
    await bench.advance(2 * 3600)
    after = bench.domain.trial
    assert before is not None and after is not None
    if before.grown_bytes is not None:  # a simulated vCenter has no bytes
        assert after.grown_bytes is not None and after.grown_bytes >= before.grown_bytes
    await bench.done(bench.asks("test_end"))


async def test_retention_waits_for_the_end_of_a_test(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    if bench.site.kind != "training":
        pytest.skip("a simulated vCenter has no replication tool whose retention could wait")
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    assert not [alarm for alarm in bench.domain.alarms if alarm.kind == "retention_waits"]
    await bench.advance(3700)
    domain = await bench.until(lambda d: any(alarm.kind == "retention_waits" for alarm in d.alarms))
    waits = next(alarm for alarm in domain.alarms if alarm.kind == "retention_waits")
    assert "retention waits for the end of the test" in waits.text
    await bench.done(bench.asks("test_end"))
    assert not [alarm for alarm in bench.domain.alarms if alarm.kind == "retention_waits"]


async def test_given_again_its_commands_change_nothing(make: MakeBench) -> None:
    bench = await make(state="imported", tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    start = await begin_test(bench)
    trial = bench.domain.trial
    with contextlib.suppress(Refused):
        await bench.site.execute(bench.command(start, "StartTrial"))
    await bench.look()
    assert bench.domain.trial == trial
    end = await bench.done(bench.asks("test_end", result="failed"))
    last = bench.domain.tested
    for command in (bench.command(start, "StartTrial"), bench.command(end, "EndTrial")):
        with contextlib.suppress(Refused):
            await bench.site.execute(command)
    await bench.look()
    assert bench.domain.trial is None and bench.domain.tested == last


@pytest.mark.parametrize("make", ["vsphere"], indirect=True)
async def test_no_release_while_a_test_vm_stands_on_a_replica(make: MakeBench) -> None:
    bench = await make(tests=True)
    await bench.until(lambda d: d.trial_offer is not None and not d.trial_offer.closed)
    await begin_test(bench)
    await bench.spoil_test_vm(VMS[0])
    await bench.done(bench.failover("force"))
    await bench.until(lambda d: d.trial is not None and d.trial.state is TrialState.LEFT_OVER)
    refusal = "has test VMs, which stand on its replicas; End Test first"
    await bench.refused(bench.asks("domain_release", confirm=DOMAIN), refusal)
    await bench.mend_test_vm(VMS[0])
    await bench.done(bench.asks("test_end"))
    await bench.until(lambda d: d.trial is None)
    await bench.refused(bench.asks("domain_release", confirm=DOMAIN), "are not off here")
