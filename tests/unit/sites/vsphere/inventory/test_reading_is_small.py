"""Bytes that a full reading of one VM takes: of 31 snapshots and 3 disks, as at most a vCenter keeps."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from drdeck.sites.vsphere.vcenter import update_parser
from tests.support.vcenter.inventory_watching import domain_vms, watching
from tests.support.vcenter.vcsim import VCenter

AT = datetime(2026, 1, 16, 22, 42, tzinfo=UTC)
MOST = 20 * 1024
SNAPSHOTS = 31


async def test_a_vm_with_a_full_chain_and_three_disks(
    vcenter: VCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    reading = update_parser.UpdateParser.read

    def counted(self: update_parser.UpdateParser, answer: update_parser.Readable) -> None:
        data = answer.read()
        sizes.append(len(data))
        reading(self, io.BytesIO(data))

    monkeypatch.setattr(update_parser.UpdateParser, "read", counted)
    vcenter.layout({"erp": ["small"]}, snapshots=())
    async with watching(vcenter) as watch:
        await watch.refresh()
    without = sum(sizes)
    points = [(f"drdeck-{AT + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}", AT) for n in range(SNAPSHOTS)]
    vcenter.add_vm("erp", "large", points)
    for _ in range(2):
        vcenter.add_device("large", "disk")
    vcenter.set_growth("large", *range(1, SNAPSHOTS + 2), disks=3)  # layoutEx as large as it is
    sizes.clear()
    async with watching(vcenter) as watch:
        inventory = await watch.refresh()
    large = domain_vms(inventory, "erp")["large"]
    assert len(large.snapshots) == SNAPSHOTS and large.disks == 3
    assert 0 < sum(sizes) - without <= MOST, f"{sum(sizes) - without} bytes"
