"""Devices of a snapshot that nothing can be cloned from; what the test vCenter cannot show stands here."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.trials.before_clones import not_clonable

DEVICE, DISK = vim.vm.device, vim.vm.device.VirtualDisk


@pytest.mark.parametrize(
    ("device", "says"),
    [
        (DEVICE.VirtualTPM(), "virtual TPM"),
        (DEVICE.ParaVirtualSCSIController(sharedBus="physicalSharing"), "shares a SCSI bus"),
        (DISK(backing=DISK.RawDiskMappingVer1BackingInfo(fileName="[a] b/c.vmdk")), "is a raw disk"),
        (DISK(backing=DISK.SparseVer1BackingInfo(fileName="[a] b/c.vmdk")), "is of another kind"),
        (DEVICE.ParaVirtualSCSIController(sharedBus="noSharing"), ""),
    ],
)
def test_it_is_named(device: Any, says: str) -> None:
    why = not_clonable([device])
    assert says in why and bool(why) == bool(says)
