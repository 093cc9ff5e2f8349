"""Test VMs that no list has: named, and taken back only where they are surely drdeck's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

START, END = ("test", "start", DOMAIN, "--vm", VMS[0]), ("test", "end", DOMAIN)
CLONE = f"drdeck-test-{DOMAIN}-{VMS[0]}"


def leftovers(tests: TrialFlow) -> list[dict[str, Any]]:
    return list(tests.flow.deck.json("test", "leftovers")["leftovers"])


def until_named(tests: TrialFlow) -> dict[str, Any]:
    """The only one that is left over, once it is named."""
    tests.flow.until(lambda domain: any(a["kind"] == "test_leftover" for a in domain["alarms"]))
    (left,) = leftovers(tests)
    return left


def ended_in_mid_clone(tests: TrialFlow) -> None:
    """A test is ended while vCenter still clones."""
    tests.recovery.slow("CloneVM_Task", None, 600_000)
    tests.flow.deck.run(*START)
    tests.flow.until(lambda _: tests.recovery.calls()["CloneVM_Task"] == 1)
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == []


def cloned_at_last(tests: TrialFlow) -> None:
    tests.recovery.clear_rules()
    tests.recovery.release()


def made_by_hand(tests: TrialFlow, name: str, mark: str) -> Any:
    """A linked clone with a mark that somebody wrote."""
    clone = rehearsing.clone(tests.recovery, VMS[0], tests.folder, name, "replica 2")
    rehearsing.mark(tests.recovery, clone, mark, VMS[0])
    return clone


def test_a_clone_that_comes_after_its_test_is_named(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    ended_in_mid_clone(tests)
    cloned_at_last(tests)
    left = until_named(tests)
    assert (left["vm"], left["listed"]) == (CLONE, True) and "End Test removes it" in left["why"]
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == [] and leftovers(tests) == []


def test_one_that_no_list_has_is_adopted_and_removed(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    ended_in_mid_clone(tests)
    tests.flow.kill()
    cloned_at_last(tests)
    left = until_named(tests)
    assert (left["vm"], left["of"], left["listed"]) == (CLONE, VMS[0], False)
    assert f"drdeck test leftovers --adopt {CLONE}" in left["why"]
    assert "is not being tested" in tests.flow.refused(*END)
    deck = tests.flow.deck
    assert deck.json("test", "leftovers", "--adopt", CLONE, "--dry-run")["accepted"]
    deck.run("test", "leftovers", "--adopt", CLONE, "--wait")
    (left,) = leftovers(tests)
    assert left["listed"] and left["vm"] == CLONE
    assert "is in the list" in tests.flow.refused("test", "leftovers", "--adopt", CLONE)
    deck.run(*END, "--wait")
    assert tests.clones() == [] and leftovers(tests) == []
    assert [gone.shared for gone in rehearsing.destroyed(recovery)] == [()]


def test_a_test_that_ends_takes_its_own_with_it(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    tests.flow.deck.run("test", "start", DOMAIN, "--wait")
    tests.flow.stop()
    # as after a crash between the clone and the note of it
    for name in recovery.attributes(DOMAIN):
        if name.startswith("drdeck.test.vms"):
            recovery.set_attribute(DOMAIN, name, "")
    tests.flow.deck.run(*END, "--wait")
    assert tests.clones() == [] and leftovers(tests) == []
    assert [gone.shared for gone in rehearsing.destroyed(recovery)] == [()] * len(VMS)


@pytest.mark.parametrize(
    ("mark", "name", "says"),
    [
        ("op-0000:00112233445566778899aabbccddeeff", CLONE, "neither the journal here nor"),
        ("", CLONE, "has the mark of a test of a domain here"),
    ],
)
def test_what_somebody_made_is_not_adopted(
    make_flow: MakeFlow, recovery: VCenter, mark: str, name: str, says: str
) -> None:
    tests = TrialFlow(make_flow, recovery)
    made_by_hand(tests, name, mark)
    tests.flow.deck.run("test", "show")
    if mark:
        until_named(tests)
    assert says in tests.flow.refused("test", "leftovers", "--adopt", name)
    assert leftovers(tests) == [] or not leftovers(tests)[0]["listed"]
    assert tests.clones() == [name]


def test_one_that_fails_a_condition_is_not_adopted(make_flow: MakeFlow, recovery: VCenter) -> None:
    tests = TrialFlow(make_flow, recovery)
    ended_in_mid_clone(tests)
    tests.flow.kill()
    cloned_at_last(tests)
    until_named(tests)
    (clone,) = tests.folder.childEntity
    adopt = ("test", "leftovers", "--adopt", clone._moId)
    recovery.make_snapshot(clone, "my work")
    assert "it has a snapshot, so somebody works with it" in tests.flow.refused(*adopt)
    recovery.remove_snapshot(clone, "my work")
    ((file, _),) = rehearsing.disk_files(recovery, VMS[1])
    rehearsing.attach_disk(recovery, clone, file)
    assert "detach it" in tests.flow.refused(*adopt)
    rehearsing.detach_disk(recovery, clone)
    recovery.rename(clone, "keep-this-one")
    assert "does not begin with" in tests.flow.refused(*adopt)
    assert "go with --adopt" in tests.flow.refused("test", "leftovers", "--wait", code=2)
    assert rehearsing.destroyed(recovery) == []
