"""A failover of a thousand VMs ends by itself but for those that need a person, who is told which and why."""

from __future__ import annotations

import pytest

from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.mixed_failover import Mix, ends_but_for_a_person
from tests.support.vcenter.vcsim import VCenter


@pytest.mark.timeout(900)
def test_a_thousand_vms_end_but_for_those_that_need_a_person(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Who needs a person is told on one screen of a thousand VMs as well."""
    mix = Mix(moved=20, full=12, busy=10, mute=5, lost=3, served=950)
    ends_but_for_a_person(make_flow, recovery, mix, within_s=300)
