"""The VMs that have gone from the folder of a failover in progress, of which nobody else remembers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.view.failover_members import FailoverMembers
from tests.support.vcenter.domain_states import at, failover, vm

RECORD = Record(failover=failover("power"))
A, B, C = vm("a"), vm("b"), vm("c")


def answers(*looks: tuple[VmFacts, ...], record: Record = RECORD) -> list[tuple[tuple[str, ...], datetime]]:
    """The answers at looks a minute apart, each at these VMs."""
    members = FailoverMembers()
    return [members.vanished("group-1", record, vms, at(n)) for n, vms in enumerate(looks)]


def test_they_are_remembered_as_long_as_they_are_away() -> None:
    looks = answers((A, B, C), (A, C), (A, C), (C,), (C,), (A, B, C))
    assert [gone for gone, _ in looks] == [(), ("b",), ("b",), ("a", "b"), ("a", "b"), ()]
    assert [since for _, since in looks] == [at(0), at(1), at(1), at(3), at(3), at(5)]


def test_one_that_was_registered_anew_is_back_by_its_name() -> None:
    """It has another id then; when that goes, it is one VM that has gone."""
    anew = msgspec.structs.replace(B, id="vm-b2")
    assert [gone for gone, _ in answers((A, B), (A,), (A, anew), (A,))] == [(), ("b",), (), ("b",)]


def test_one_that_is_given_up_is_not_waited_for() -> None:
    record = Record(failover=failover("power"), skipped=("vm-b",))
    assert [gone for gone, _ in answers((A, B, C), (A,), record=record)] == [(), ("c",)]


def test_nothing_is_remembered_of_a_failover_that_is_over() -> None:
    members, over = FailoverMembers(), Record(failover=failover("finished"))
    members.vanished("group-1", RECORD, (A, B), at(0))
    assert members.vanished("group-1", over, (A,), at(1)) == ((), at(1))
    assert members.vanished("group-1", RECORD, (A,), at(2)) == ((), at(2))
