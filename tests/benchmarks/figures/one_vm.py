"""Bytes that a full reading of one VM takes: of 31 snapshots and 3 disks, as at most a vCenter keeps."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from unittest import mock

from drdeck.sites.vsphere.vcenter.update_parser import Readable, UpdateParser
from tests.support.vcenter.inventory_watching import domain_vms, watching
from tests.support.vcenter.vcsim import VCenter

AT = datetime(2026, 1, 16, 22, 42, tzinfo=UTC)
SNAPSHOTS, DISKS = 31, 3


async def bytes_of_a_full_vm(vcenter: VCenter) -> int:
    """Read a site without such a VM, and with it."""
    sizes: list[int] = []
    reading = UpdateParser.read

    def counted(self: UpdateParser, answer: Readable) -> None:
        data = answer.read()
        sizes.append(len(data))
        reading(self, io.BytesIO(data))

    vcenter.layout({"erp": ["small"]}, snapshots=())
    with mock.patch.object(UpdateParser, "read", counted):
        async with watching(vcenter) as watch:
            await watch.refresh()
        without = sum(sizes)
        points = [(f"drdeck-{AT + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}", AT) for n in range(SNAPSHOTS)]
        vcenter.add_vm("erp", "large", points)
        for _ in range(DISKS - 1):
            vcenter.add_device("large", "disk")
        vcenter.set_growth("large", *range(1, SNAPSHOTS + 2), disks=DISKS)  # layoutEx as large as it is
        sizes.clear()
        async with watching(vcenter) as watch:
            inventory = await watch.refresh()
    large = domain_vms(inventory, "erp")["large"]
    assert len(large.snapshots) == SNAPSHOTS and large.disks == DISKS
    return sum(sizes) - without
