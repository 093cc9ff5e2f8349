"""Bytes that a full reading of one VM takes."""

from __future__ import annotations

from tests.benchmarks.figures.one_vm import bytes_of_a_full_vm
from tests.support.vcenter.vcsim import VCenter

MOST = 20 * 1024


async def test_a_vm_with_a_full_chain_and_three_disks(vcenter: VCenter) -> None:
    assert 0 < await bytes_of_a_full_vm(vcenter) <= MOST
