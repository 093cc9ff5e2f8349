"""The test vCenter's clones: what a real one refuses, takes from the snapshot, and deletes with a VM."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from tests.support.vcenter import rehearsing
from tests.support.vcenter.vcsim import VCenter, replica_points


@pytest.fixture
def folder(vcenter: VCenter) -> Any:
    points = replica_points()
    vcenter.layout({"erp": ["erp-db01"]}, snapshots=points)
    return rehearsing.make_test_folder(vcenter)


def newest(vcenter: VCenter) -> str:
    return vcenter.snapshots("erp-db01")[-1].name


def test_a_linked_clone_needs_a_snapshot_of_its_source(vcenter: VCenter, folder: Any) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument) as refusal:
        rehearsing.clone(vcenter, "erp-db01", folder, "t1")
    assert refusal.value.invalidProperty == "spec.snapshot"


def test_it_stands_on_the_snapshots_disk_and_leaves_the_source_alone(vcenter: VCenter, folder: Any) -> None:
    before = rehearsing.disk_files(vcenter, "erp-db01")
    clone = rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))
    assert rehearsing.disk_files(vcenter, "erp-db01") == before, "the source's backing is not the clone's"
    ((file, parent),) = rehearsing.disk_files(vcenter, clone)
    assert parent == before[0][0] != file and file.startswith("[LocalDS_0] t1/")
    assert rehearsing.mac_addresses(vcenter, clone) != rehearsing.mac_addresses(vcenter, "erp-db01")
    ours = vcenter.read(clone, "config.instanceUuid", "config.uuid", "parent")
    theirs = vcenter.read(vcenter.vm("erp-db01"), "config.instanceUuid", "config.uuid")
    assert all(ours[name] != theirs[name] for name in theirs) and ours["parent"] == folder


def test_a_name_that_is_taken_is_refused(vcenter: VCenter, folder: Any) -> None:
    rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))
    with pytest.raises(vim.fault.DuplicateName):
        rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))


def test_its_end_takes_its_own_file_only(vcenter: VCenter, folder: Any) -> None:
    clone = rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))
    vcenter.when_free(clone.Destroy_Task)
    assert [(x.name, x.shared) for x in rehearsing.destroyed(vcenter)] == [("t1", ())]
    assert len(vcenter.snapshots("erp-db01")) == 3


def test_a_vm_that_others_stand_on_takes_their_files_with_it(vcenter: VCenter, folder: Any) -> None:
    rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))
    ((file, _),) = rehearsing.disk_files(vcenter, "erp-db01")
    vcenter.remove_vm("erp-db01")
    assert [x.shared for x in rehearsing.destroyed(vcenter)] == [(file,)]


@pytest.mark.parametrize("fate", ["stays", "locked", "lost"])
def test_a_base_in_use(vcenter: VCenter, folder: Any, fate: str) -> None:
    rehearsing.base_in_use(vcenter, fate)
    name = newest(vcenter)
    clone = rehearsing.clone(vcenter, "erp-db01", folder, "t1", name)
    if fate == "locked":
        with pytest.raises(vim.fault.FileLocked):
            vcenter.remove_snapshot("erp-db01", name)
        assert vcenter.read(vcenter.vm("erp-db01"), "runtime.consolidationNeeded").popitem()[1]
    vcenter.when_free(clone.Destroy_Task)
    assert (name in [s.name for s in vcenter.snapshots("erp-db01")]) is (fate != "lost")
    if fate == "locked":
        vcenter.remove_snapshot("erp-db01", name)


@pytest.mark.parametrize("uplink", [False, True])
def test_an_isolated_network_has_no_uplink(vcenter: VCenter, folder: Any, uplink: bool) -> None:
    network = rehearsing.make_isolated_network(vcenter, uplink=uplink)
    assert network.name == rehearsing.BUBBLE
    host = vcenter.read(network, "host").get("host")
    assert host, "its hosts are told"
    config = vcenter.read(host[0], "config.network.vswitch", "config.network.portgroup")
    switch = next(s for s in config["config.network.vswitch"] if s.name == f"vs-{rehearsing.BUBBLE}")
    assert bool(switch.pnic) is uplink
    group = next(g for g in config["config.network.portgroup"] if g.spec.name == rehearsing.BUBBLE)
    assert group.vswitch == switch.key


def test_a_clone_fails_with_the_fault_that_it_is_to_fail_with(vcenter: VCenter, folder: Any) -> None:
    vcenter.rule("CloneVM_Task", "fail", times=1, text="In words.", fault="InvalidSnapshotFormat")
    with pytest.raises(vim.fault.InvalidSnapshotFormat) as refusal:
        rehearsing.clone(vcenter, "erp-db01", folder, "t1", newest(vcenter))
    assert refusal.value.msg == "In words."
