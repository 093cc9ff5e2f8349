"""Faults of a clone and of a test VM's start: each in a sentence that says what to do."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN, "--vm", VMS[0]), ("test", "end", DOMAIN)
CLONE = f"drdeck-test-{DOMAIN}-{VMS[0]}"


def question_text(tests: TrialFlow, ident: str) -> str:
    """What the start of a test asks, once it does."""
    eventually(
        lambda: tests.flow.operation(ident)["state"] == "asking", lambda: str(tests.flow.operation(ident))
    )
    return str(tests.flow.operation(ident)["question"]["text"])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("NoDiskSpace", "make room there, or test fewer VMs with --vm"),
        ("InsufficientStorageSpace", "make room there, or test fewer VMs with --vm"),
        ("InsufficientResourcesFault", "name another pool in [sites.NAME.test]"),
        ("InsufficientHostCapacityFault", "the resource pool or its hosts have no room"),
        ("InvalidSnapshotFormat", "choose another restore point with --to, or leave the VM out"),
        ("FileNotFound", "a file that its snapshot stands on is gone"),
    ],
)
def test_a_clone_that_fails_says_what_to_do(
    make_flow: MakeFlow, recovery: VCenter, fault: str, says: str
) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.rule("CloneVM_Task", "fail", VMS[0], times=1, text="In vCenter's words.", fault=fault)
    ident = tests.flow.deck.run(*START).stdout.strip()
    text = question_text(tests, ident)
    failed = f'Could not clone {VMS[0]} as {CLONE} from "replica 2": In vCenter\'s words; '
    assert failed in text and says in text, text
    tests.flow.deck.run("answer", ident, "retry")
    tests.flow.until(lambda domain: domain["test"]["state"] == "running")
    assert tests.clones() == [CLONE] and recovery.calls()["CloneVM_Task"] == 2


def test_a_start_without_resources_says_what_to_do(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    fault = "InsufficientMemoryResourcesFault"
    recovery.rule("PowerOnVM_Task", "fail", times=1, text="The host has no memory.", fault=fault)
    ident = tests.flow.deck.run(*START).stdout.strip()
    text = question_text(tests, ident)
    assert f"Could not power on {CLONE}: The host has no memory; the resource pool" in text, text
    tests.flow.deck.run("answer", ident, "abort")
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == [], "what was made of it is removed"


def test_a_locked_file_is_waited_for(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.rule("CloneVM_Task", "fail", VMS[0], times=1, text="For a moment.", fault="FileLocked")
    ident = tests.flow.deck.run(*START, "--wait").stdout.strip()
    assert tests.clones() == [CLONE] and recovery.calls()["CloneVM_Task"] == 2
    assert "its replication tool may work on it" in str(tests.flow.operation(ident)["steps"])


def test_a_name_that_is_taken_meanwhile_gets_a_number(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.slow("CloneVM_Task", VMS[0], 600_000, times=1)
    ident = tests.flow.deck.run(*START).stdout.strip()
    tests.flow.until(lambda _: recovery.calls()["CloneVM_Task"] == 1)
    rehearsing.clone(recovery, VMS[1], tests.folder, CLONE, "replica 2")
    recovery.release()
    tests.flow.until(lambda domain: domain["test"]["state"] == "running")
    assert tests.clones() == [CLONE, f"{CLONE}-2"]
    assert "its name is taken there" in str(tests.flow.operation(ident)["steps"])


def test_a_privilege_that_is_taken_away_meanwhile_is_named_with_its_place(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    tests = TrialFlow(make_flow, recovery)
    recovery.rule("CloneVM_Task", "fail", VMS[0], times=1, text="Once.")
    ident = tests.flow.deck.run(*START).stdout.strip()
    question_text(tests, ident)
    recovery.deny("VirtualMachine.Provisioning.Clone", recovery.vm(VMS[0]), here=True)
    tests.flow.deck.run("answer", ident, "retry")
    eventually(
        lambda: "Provisioning" in question_text(tests, ident), lambda: str(tests.flow.operation(ident))
    )
    text = question_text(tests, ident)
    assert f"VirtualMachine.Provisioning.Clone) on {VMS[0]}; ask its administrator" in text, text


@pytest.mark.parametrize(
    ("fault", "text", "says"),
    [
        ("CannotAccessVmDisk", "Unable to access a virtual disk.", "Unable to access a virtual disk: "),
        ("GenericVmConfigFault", "The VM cannot be configured.", "The VM cannot be configured: "),
    ],
)
def test_a_fault_that_another_caused_says_why(
    make_flow: MakeFlow, recovery: VCenter, fault: str, text: str, says: str
) -> None:
    tests = TrialFlow(make_flow, recovery)
    cause = "The file is locked by host esx-07."
    recovery.rule("CloneVM_Task", "fail", VMS[0], times=1, text=text, fault=fault, cause=cause)
    ident = tests.flow.deck.run(*START).stdout.strip()
    assert f"{says}The file is locked by host esx-07" in question_text(tests, ident)


def test_a_test_vm_is_as_large_as_its_point(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Not as the replica is now: somebody gave it memory since."""
    tests = TrialFlow(make_flow, recovery)
    change = vim.vm.ConfigSpec(memoryMB=64, numCPUs=2)
    recovery.when_free(lambda: recovery.vm(VMS[0]).ReconfigVM_Task(change))
    tests.flow.deck.run(*START, "--wait")
    (clone,) = tests.folder.childEntity
    hardware = recovery.read(clone, "config.hardware")["config.hardware"]
    assert (hardware.memoryMB, hardware.numCPU) == (32, 1)
    tests.flow.deck.run(*END, "--wait")
    now = recovery.read(recovery.vm(VMS[0]), "config.hardware")["config.hardware"]
    assert (now.memoryMB, now.numCPU) == (64, 2)


def test_a_card_whose_address_was_given_by_hand_gets_another(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Two VMs with one address could meet: vCenter keeps such an address in a clone."""
    tests = TrialFlow(make_flow, recovery)
    rehearsing.give_address(recovery, VMS[0], "00:50:56:00:47:11")
    recovery.make_snapshot(VMS[0], "replica with its address")
    theirs = rehearsing.clone(recovery, VMS[0], tests.folder, "theirs", "replica with its address")
    assert rehearsing.mac_addresses(recovery, theirs) == ["00:50:56:00:47:11"], "as a vCenter clones"
    recovery.remove_vm(theirs)
    tests.flow.deck.run(*START, "--wait")
    (clone,) = tests.folder.childEntity
    assert rehearsing.mac_addresses(recovery, clone) != ["00:50:56:00:47:11"]
    assert rehearsing.mac_addresses(recovery, VMS[0]) == ["00:50:56:00:47:11"]


@pytest.mark.parametrize("privilege", ["VirtualMachine.Config.RemoveDisk", "VirtualMachine.Inventory.Delete"])
def test_without_its_privilege_no_disk_is_detached(
    make_flow: MakeFlow, recovery: VCenter, privilege: str
) -> None:
    tests = TrialFlow(make_flow, recovery)
    deck = tests.flow.deck
    deck.run(*START, "--wait")
    (clone,) = tests.folder.childEntity
    rehearsing.attach_disk(recovery, clone, rehearsing.disk_files(recovery, VMS[1])[0][0])
    deck.run(*END, "--wait")
    recovery.deny(privilege, tests.folder)
    refused = tests.flow.refused("test", "detach", DOMAIN)
    assert f"lacks {privilege} on {CLONE}; nothing was begun; have that granted" in refused, refused
    assert len(rehearsing.disk_files(recovery, clone)) == 2
    recovery.grant_all()
    deck.run("test", "detach", DOMAIN, "--wait")
    assert tests.clones() == []
