"""Test Failover by command line: nothing of the domain changes, and no lost answer makes two of one."""

from __future__ import annotations

import pytest

from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import extra_config
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN), ("test", "end", DOMAIN)
DELETE = "VirtualMachine.Inventory.Delete"


def test_a_domain_is_tested_and_nothing_of_it_changes(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    deck, before = tests.flow.deck, tests.flow.truth()
    assert tests.trial_json() == {"domain": DOMAIN, "test": None, "tested": None}
    rehearsal = deck.json(*START, "--dry-run")
    assert rehearsal["accepted"] and any("is cloned" in text for text in rehearsal["says"])
    assert any("retention" in text for text in rehearsal["not_checked"])
    ident = deck.run(*START, "--for", "2h", "--wait").stdout.strip()
    trial = tests.trial_json()["test"]
    assert trial["state"] == "running" and sorted(vm["of"] for vm in trial["vms"]) == sorted(VMS)
    assert all(vm["power"] == "on" and vm["ready"] for vm in trial["vms"])
    assert trial["networks"] == {"DC0_DVPG0": rehearsing.BUBBLE}
    assert tests.clones() == sorted(f"drdeck-test-{DOMAIN}-{vm}" for vm in VMS)
    for vm in tests.folder.childEntity:
        assert recovery.networks(vm) == [rehearsing.BUBBLE]
        options = recovery.read(vm, "config.extraConfig")["config.extraConfig"]
        assert extra_config(options, "guestinfo.DRDECK_TEST") == "1", "what its guest reads"
    domain = tests.flow.show()
    assert (domain["mode"], domain["owner"]) == ("imported", "remote")
    assert domain["test"]["state"] == "running" and domain["tested"] is None
    assert "is being tested already" in deck.run(*START, code=3).stderr

    deck.run(*END, "--result", "passed", "--note", "all logins work", "--wait")
    report = deck.json("report", ident)
    assert sorted(boot["vm"] for boot in report["boots"]) == sorted(VMS)
    assert all(boot["on_at"] <= boot["ready_at"] and boot["took_s"] >= 0 for boot in report["boots"])
    assert [op["action"] for op in report["followed"]] == ["test_end"]
    text = deck.run("report", ident).stdout
    assert "Starts of the test VMs" in text and "result passed: all logins work" in text
    clone = f'clone {VMS[0]} as drdeck-test-{DOMAIN}-{VMS[0]} from "replica 2"'
    assert clone in [step["says"] for step in report["steps"]]
    domain = tests.flow.show()
    assert domain["test"] is None
    assert (domain["tested"]["result"], domain["tested"]["note"]) == ("passed", "all logins work")
    assert tests.clones() == []
    after = tests.flow.truth()
    assert {k: v for k, v in after.items() if "drdeck.test" not in str(k)}.keys() == before.keys()
    assert all(gone.shared == () for gone in rehearsing.destroyed(recovery))
    assert "is not being tested" in deck.run(*END, code=3).stderr
    assert deck.run("test", "show").stdout.count(DOMAIN) == 1


def test_no_vm_is_cloned_while_a_task_of_others_works_on_it(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, extra='task_timeout = "1s"')
    recovery.slow("CreateSnapshot_Task", VMS[0], 3_600_000, times=1)
    recovery.vm(VMS[0]).CreateSnapshot_Task("a tool's", "", False, False)
    ident = tests.flow.deck.run(*START, "--vm", VMS[0]).stdout.strip()
    eventually(
        lambda: tests.flow.operation(ident)["state"] == "asking", lambda: str(tests.flow.operation(ident))
    )
    assert f"wait for the task of others on {VMS[0]}" in tests.flow.operation(ident)["question"]["text"]
    assert tests.clones() == []


def test_one_that_somebody_works_with_is_left_over(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    deck = tests.flow.deck
    deck.run(*START, "--vm", VMS[0], "--wait")
    (clone,) = tests.folder.childEntity
    recovery.make_snapshot(clone, "before my change")
    words = deck.run(*END, "--wait")
    assert "left over" in words.stderr + words.stdout + str(tests.flow.operation(words.stdout.strip()))
    (left,) = deck.json("test", "leftovers")["leftovers"]
    assert left["of"] == VMS[0] and "has a snapshot" in left["why"]
    assert tests.trial_json()["test"]["state"] == "left over"
    assert any(alarm["kind"] == "test_leftover" for alarm in tests.flow.show()["alarms"])
    assert "before my change" not in str(rehearsing.destroyed(recovery)) and tests.clones()
    recovery.remove_snapshot(clone, "before my change")
    deck.run(*END, "--wait")
    assert deck.json("test", "leftovers") == {"leftovers": []} and tests.clones() == []
    assert tests.trial_json()["test"] is None


def test_a_network_with_an_uplink_is_refused(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, uplink=True)
    refused = tests.flow.deck.run(*START, code=3).stderr
    assert f'"{rehearsing.BUBBLE}" is not isolated: it has an uplink' in refused
    assert tests.clones() == []
    findings = tests.flow.deck.json("doctor", code=1)["findings"]
    assert any("is not isolated" in f["text"] and f["level"] == "fail" for f in findings)


def test_one_that_is_allowed_wants_the_name(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, more="allow_connected = true", uplink=True)
    assert "must be confirmed with the name" in tests.flow.deck.run(*START, code=3).stderr
    tests.flow.deck.run(*START, "--vm", VMS[0], "--confirm", DOMAIN, "--wait")
    assert len(tests.clones()) == 1


def test_bad_input_begins_nothing(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    deck = tests.flow.deck
    for words, says, code in (
        (("--to", "2020-01-01T00:00:00Z", "--wait"), "there is no restore point of", 3),
        (("--vm", "nobody"), "has no VM named", 2),
        (("--network", "*=VM Network"), "is not an isolated one", 3),
        (("--for", "1s"), "from one minute", 3),
        (("--for", "long"), "--for", 2),
        (("--how", "full"), '"full" is not supported: a full clone\'s disks stand on nothing', 3),
    ):
        done = deck.run(*START, *words, code=code)
        assert says in done.stderr, done
    assert tests.clones() == [] and tests.trial_json()["test"] is None


def test_room_needed_and_free_is_told_and_without_it_nothing_begins(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery, space="10%")
    recovery.set_room("LocalDS_0", 64 * 10**9, 10**11)
    words = "On LocalDS_0 the test VMs need 315 kB (10% of their disks), and {} are free."
    rehearsal = tests.flow.deck.json(*START, "--dry-run")
    assert rehearsal["accepted"] and words.format("64.0 GB") in rehearsal["says"], rehearsal["says"]
    recovery.set_room("LocalDS_0", 0, 1)
    rehearsal = tests.flow.deck.json(*START, "--dry-run", code=3)
    assert rehearsal["refusal"].startswith(words.format("0 B")), rehearsal
    refused = tests.flow.deck.run(*START, "--wait", code=3)
    assert words.format("0 B") in refused.stderr and "--vm" in refused.stderr
    assert tests.clones() == []


def test_a_name_that_is_taken_gets_a_number(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    name = f"drdeck-test-{DOMAIN}-{VMS[0]}"
    rehearsing.clone(recovery, VMS[0], tests.folder, name, "replica 2")
    tests.flow.deck.run(*START, "--vm", VMS[0], "--wait")
    assert tests.clones() == [name, f"{name}-2"]
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == [name], "somebody else's stays"


@pytest.mark.parametrize("lose", ["lose_answer", "lose_request"])
def test_a_lost_answer_makes_no_second_clone(make_flow: MakeFlow, recovery: VCenter, lose: str) -> None:
    tests = TrialFlow(make_flow, recovery)
    for method in ("CloneVM_Task", "PowerOnVM_Task"):
        getattr(recovery, lose)(method)
    tests.flow.deck.run(*START, "--wait")
    assert len(tests.clones()) == len(VMS)
    for method in ("PowerOffVM_Task", "Destroy_Task"):
        getattr(recovery, lose)(method)
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == [] and len(rehearsing.destroyed(recovery)) == len(VMS)


def test_a_controller_that_is_killed_goes_on_with_the_same_clones(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.slow("CloneVM_Task", None, 600_000)
    tests.flow.deck.run(*START)
    tests.flow.until(lambda domain: recovery.calls()["CloneVM_Task"] == len(VMS))
    tests.flow.kill()
    recovery.clear_rules()
    recovery.release()
    tests.flow.until(lambda domain: domain["test"] and domain["test"]["state"] == "running")
    assert len(tests.clones()) == len(VMS) and recovery.calls()["CloneVM_Task"] == len(VMS)
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == []


def test_who_may_delete_in_the_root_is_told(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    findings = [f for f in tests.flow.deck.json("doctor", code=1)["findings"] if f["subject"] == "tests"]
    assert [f["level"] for f in findings] == ["fail"] and DELETE in findings[0]["text"]
    recovery.deny(DELETE, recovery.root_folder)
    findings = [f for f in tests.flow.deck.json("doctor", code=None)["findings"] if f["subject"] == "tests"]
    assert [f["level"] for f in findings] == ["ok"], findings
    recovery.deny(DELETE, tests.folder)
    assert f"lacks {DELETE} on {rehearsing.TEST_FOLDER}" in tests.flow.deck.run(*START, code=3).stderr


def test_a_plan_is_one_test_however_many_domains_it_has(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery, more="keep_running = 1")
    recovery.add_domain("web")
    recovery.add_vm("web", "web01")
    recovery.make_snapshot("web01", "replica 1")
    deck = tests.flow.deck
    tests.flow.until(lambda _: "web" in {d["name"] for d in deck.json("domains")["domains"]})
    deck.run(*START, "--wait")
    refused = deck.run("test", "plan", "all", "--only", "web", "--wait", code=1)
    assert f"1 tests run here ({DOMAIN}), which is keep_running" in refused.stderr
    deck.run(*END, "--wait")
    deck.run("test", "plan", "all", "--wait")
    assert {t["test"]["state"] for t in deck.json("test", "show")["tests"]} == {"running"}
    assert {recovery.networks(vm)[0] for vm in tests.folder.childEntity} == {rehearsing.BUBBLE}
    deck.run("test", "plan", "all", "--end", "--result", "passed", "--wait")
    assert tests.clones() == [] and deck.json("plan", "check", "all", code=None)["domains"][0]["tested"]
