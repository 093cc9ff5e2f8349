"""A domain of ten thousand VMs of which half were deselected: only the others are mapped, and asked about."""

from __future__ import annotations

from typing import Any

import pytest

from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.record import attribute_names as names
from drdeck.sites.vsphere.record.attributes import read, write_many
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.vcenter.calls.call_arguments import ConnectArguments
from tests.support.vcenter.domain_states import domain_state, failover, settings, vm

VMS = 10_000
MACHINES = [vm(str(number), "off", networks=("net-1",)) for number in range(1_000_000, 1_000_000 + VMS)]
DESELECTED = tuple(machine.id for machine in MACHINES[::2])
MAPPED = {"net-1": "net-2"}


@pytest.fixture(scope="module")
def record() -> Any:
    """What the record has of them, as it went through the attributes of a folder."""
    attributes = {**write_many(names.LEFT_OUT, DESELECTED), **write_many(names.WITHOUT, DESELECTED)}
    kept = read({name: value for name, value in attributes.items() if value})
    assert len(kept.left_out) == len(kept.without) == VMS // 2
    return {"left_out": kept.left_out, "without": kept.without, "networks": MAPPED}


def test_those_that_take_part_are_mapped_by_one_phase(record: Any) -> None:
    s = domain_state(*MACHINES, record=Record(failover=failover("network"), **record))
    phase = plan(s).phase
    assert phase is not None and [call.vm for call in phase.calls] == [m.id for m in MACHINES[1::2]]
    assert all(ConnectArguments.of(call.args).moves == MAPPED for call in phase.calls)


def test_none_of_the_others_is_asked_about(record: Any) -> None:
    rules = settings()
    unready = domain_state(
        *MACHINES, record=Record(failover=failover("power"), **record), rules=rules, minutes=1440
    )
    question = plan(unready).question
    assert question is not None and not {*question.vms} & {*DESELECTED}
    assert len(question.vms) == VMS // 2 and "skip" in question.choices
