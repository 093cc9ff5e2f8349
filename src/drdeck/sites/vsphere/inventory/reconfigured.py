"""Changes of VMs' hardware since a snapshot of each was made, in words: what a revert to it takes back.

A revert takes the configuration of the snapshot back with the disks (API reference: RevertToSnapshot_Task): a
disk that was attached since is not the VM's any more then, and what is on it does not go back.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.rollback_call import HardwareSummary, settings_gone_back, summary_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve


def reconfigured(session: VCenterSession, points: Mapping[str, str]) -> dict[str, str]:
    """Id of a VM -> what a revert to its snapshot changes of it; none where nothing does. `points`: id of a
    VM -> id of a snapshot of it. Blocks. Raises what pyVmomi raises."""
    if not points:
        return {}
    vms = [vim.VirtualMachine(vm, session.stub) for vm in points]
    snapshots = [vim.vm.Snapshot(point, session.stub) for point in points.values()]
    paths = {vim.VirtualMachine: ["config.hardware"], vim.vm.Snapshot: ["config.hardware"]}
    summaries = dict[str, HardwareSummary | None]()
    for content in retrieve(session, filter_spec([*vms, *snapshots], paths, may_be_gone=True)):
        hardware = next((p.val for p in content.propSet or () if p.name == "config.hardware"), None)
        summaries[object_id(content.obj)] = summary_of(hardware)
    changed = {
        vm: settings_gone_back(summaries.get(vm), summaries.get(point)) for vm, point in points.items()
    }
    return {vm: words for vm, words in changed.items() if words}
