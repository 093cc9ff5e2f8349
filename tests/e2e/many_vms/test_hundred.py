"""A failover of a hundred VMs ends by itself but for those that need a person; of a thousand: tests/soak."""

from __future__ import annotations

from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.mixed_failover import Mix, ends_but_for_a_person
from tests.support.vcenter.vcsim import VCenter


def test_a_hundred_vms_end_but_for_those_that_need_a_person(make_flow: MakeFlow, recovery: VCenter) -> None:
    mix = Mix(moved=2, full=2, busy=1, mute=1, lost=1, served=93)
    ends_but_for_a_person(make_flow, recovery, mix)
