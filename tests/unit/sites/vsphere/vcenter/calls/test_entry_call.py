"""The entry point of a VM before its first power on: made once, and before its cards are moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drdeck.sites.vsphere.vcenter.calls.entry_call import prepare
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.vcsim import VCenter

ARGS = {"name": "drdeck-before-f1", "description": "drdeck: entry point"}


@pytest.fixture
def session(vcenter: VCenter) -> Iterator[VCenterSession]:
    vcenter.layout({"erp": ["db01"]}, snapshots=())
    with logged_in(vcenter) as session:
        yield session


def names(vcenter: VCenter) -> list[str]:
    return [s.name for s in vcenter.snapshots("db01")]


def test_a_second_try_makes_no_second_one(session: VCenterSession, vcenter: VCenter) -> None:
    """The answer to the first was lost: what it made is there, and nobody could tell two apart."""
    vm = vcenter.vm("db01")._moId
    for _ in range(2):
        assert carry_out(prepare(session, vm, "db01", ARGS)) == ""
    assert names(vcenter) == [ARGS["name"]]


def test_of_a_vm_that_runs_none_is_made_and_that_is_said(session: VCenterSession, vcenter: VCenter) -> None:
    vcenter.power_on("db01")
    remark = carry_out(prepare(session, vcenter.vm("db01")._moId, "db01", ARGS))
    assert remark == "db01: no entry point, since it runs already" and names(vcenter) == []
