"""Conditions that must be true before a test VM is destroyed.

Destroy_Task deletes the file of every attached disk, whoever else uses it. All are read by one call, the last
before it, which also tells how the replica stands. One that fails means: never destroyed, but named as left
over, with what to do by hand. Pure but for `read_conditions`. The eight:

1. Its id is the result of the clone's task, or was adopted by 3 and 4 (`Expected.vm`).
2. Its instance UUID is the one read after the clone; no other VM has its UUID (`_not_the_one`).
3. Its configuration has the mark of its test, a secret, and the VM it is of (`_not_the_one`).
4. It is in the test folder, not in the root, and its name has the prefix (`_not_in_place`).
5. It is no template, not managed, in no vApp, and has no snapshot (`_not_in_place`, `_in_use`).
6. Each disk is in its own directory and stands on a file recorded at the clone (`_own_disks`). One that is
   elsewhere is let pass by who detaches it first, with consent (`Expected.detach`).
7. It is off; after it was powered off all are read again (`trial_removal.remove_test`).
8. No other VM stands on its disks (`_stood_on`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve, snapshot_nodes

from .trial_marks import (
    MARK,
    MARK_OF,
    DiskFile,
    digest,
    directory,
    disk_files,
    extra_config,
    foreign_files,
)

_PC = vmodl.query.PropertyCollector
_SELF = (
    "name", "parent", "parentVApp", "config.instanceUuid", "config.uuid", "config.template",
    "config.managedBy", "config.extraConfig", "config.files.vmPathName", "config.hardware.device", "snapshot",
    "runtime.powerState",
)  # fmt: skip


class Expected(NamedTuple):
    """A test VM as the record has it. `folder`, `root`: ids; `of`: id of the VM that it is the clone of;
    `bases`: digests of the files that its disks may stand on; `detach`: of the disks outside its directory
    that are detached before it goes."""

    vm: str
    uuid: str
    marker: str
    of: str
    bases: frozenset[str]
    folder: str
    root: str
    prefix: str
    detach: frozenset[str] = frozenset()


class OtherVm(NamedTuple):
    """Any other VM in the test folder or under the root."""

    id: str
    name: str
    uuid: str
    disks: tuple[DiskFile, ...]
    snapshots: Mapping[str, str] | None = None
    """names by id, of the VM that the test VM is the clone of; None: not read"""


class Conditions(NamedTuple):
    """A VM as it is, and those beside it. `values`: its properties; `above`: ids of the folders that the test
    folder is in."""

    values: Mapping[str, Any]
    above: frozenset[str]
    others: tuple[OtherVm, ...]

    @property
    def on(self) -> bool:
        return str(self.values.get("runtime.powerState")) != "poweredOff"

    def other(self, vm: str) -> OtherVm | None:
        return next((other for other in self.others if other.id == vm), None)


def read_conditions(session: VCenterSession, expected: Expected) -> Conditions | None:
    """All of it by one call; None: the VM is not there any more."""
    machine = vim.VirtualMachine(expected.vm, session.stub)
    folder, root = vim.Folder(expected.folder, session.stub), vim.Folder(expected.root, session.stub)
    again = [_PC.SelectionSpec(name="down"), _PC.SelectionSpec(name="inside")]
    down = _PC.TraversalSpec(name="down", type=vim.Folder, path="childEntity", skip=False, selectSet=again)
    inside = _PC.TraversalSpec(name="inside", type=vim.VirtualApp, path="vm", skip=False, selectSet=[])
    up = _PC.TraversalSpec(
        name="up", type=vim.Folder, path="parent", skip=False, selectSet=[_PC.SelectionSpec(name="up")]
    )
    own = filter_spec([machine], {vim.VirtualMachine: _SELF}, may_be_gone=True)
    beside = filter_spec(
        [
            _PC.ObjectSpec(obj=folder, selectSet=[down, inside, up]),
            _PC.ObjectSpec(obj=root, selectSet=[down, inside]),
        ],
        {vim.VirtualMachine: ["name", "config.uuid", "config.hardware.device"], vim.Folder: ["parent"]},
    )
    specs = [own, beside]
    if expected.of:
        source = vim.VirtualMachine(expected.of, session.stub)
        paths = {vim.VirtualMachine: ["name", "config.uuid", "config.hardware.device", "snapshot"]}
        specs.append(filter_spec([source], paths, may_be_gone=True))
    return _as_conditions(retrieve(session, *specs), expected)


def _as_conditions(objects: list[Any], expected: Expected) -> Conditions | None:
    merged: dict[str, dict[str, Any]] = {}
    kinds: dict[str, Any] = {}
    for content in objects:
        ident = object_id(content.obj)
        kinds[ident] = content.obj
        merged.setdefault(ident, {}).update({p.name: p.val for p in content.propSet or ()})
    values = merged.pop(expected.vm, {})
    if "name" not in values:
        return None
    others = tuple(
        OtherVm(
            ident,
            str(found.get("name") or ident),
            str(found.get("config.uuid") or ""),
            tuple(disk_files(found.get("config.hardware.device", ()))),
            snapshot_names(found.get("snapshot")) if ident == expected.of else None,
        )
        for ident, found in merged.items()
        if isinstance(kinds[ident], vim.VirtualMachine) and found
    )
    parents = {
        ident: object_id(found["parent"])
        for ident, found in merged.items()
        if isinstance(kinds[ident], vim.Folder) and found.get("parent") is not None
    }
    above, at = set[str](), parents.get(expected.folder)
    while at is not None and at not in above:
        above.add(at)
        at = parents.get(at)
    return Conditions(values, frozenset(above), others)


def snapshot_names(info: Any) -> dict[str, str]:
    """The names of a VM's snapshots, by id."""
    return {object_id(node.snapshot): str(node.name) for node, _ in snapshot_nodes(info)}


def objection(expected: Expected, c: Conditions) -> str | None:
    """The first condition that fails, in words, with what to do by hand; None: the VM may be destroyed.

    Its id, which the caller has from the clone's task, is the first of the conditions.
    """
    return (
        _not_the_one(expected, c)
        or _not_in_place(expected, c)
        or _in_use(c)
        or _own_disks(expected, c)
        or _stood_on(expected, c)
    )


def to_detach(expected: Expected, c: Conditions) -> list[Any]:
    """The disks that are to be detached before the VM goes: outside its directory, and consented to."""
    outside = {file for file in _foreign(c) if digest(file) in expected.detach}
    disks = (device for device in _devices(c) if isinstance(device, vim.vm.device.VirtualDisk))
    return [disk for disk in disks if str(getattr(disk.backing, "fileName", "")) in outside]


def _devices(c: Conditions) -> Any:
    return c.values.get("config.hardware.device", ())


def _foreign(c: Conditions) -> tuple[str, ...]:
    return foreign_files(_devices(c), str(c.values.get("config.files.vmPathName") or ""))


def _kept(expected: Expected, c: Conditions) -> list[DiskFile]:
    """Its disks but for those that are detached first."""
    going = {file for file in _foreign(c) if digest(file) in expected.detach}
    return [disk for disk in disk_files(_devices(c)) if disk.file not in going]


def _not_the_one(expected: Expected, c: Conditions) -> str | None:
    """Conditions 2 and 3: it is the clone that was made, and no VM of the domain."""
    values = c.values
    if str(values.get("config.instanceUuid") or "") != expected.uuid or not expected.uuid:
        return "its instance UUID is not that of the clone; look whose VM it is"
    uuid = str(values.get("config.uuid") or "")
    twin = next((other for other in c.others if uuid and other.uuid == uuid), None)
    if twin is not None:
        return f"it has the UUID of {twin.name}; look which of the two is the replica"
    options = values.get("config.extraConfig", ())
    if extra_config(options, MARK) != expected.marker or not expected.marker:
        return "the mark of its test is not in its configuration; look whose VM it is"
    if extra_config(options, MARK_OF) != expected.of:
        return "its mark names another VM than it was cloned from; look whose VM it is"
    return None


def _not_in_place(expected: Expected, c: Conditions) -> str | None:
    """Condition 4, and the vApp of 5: it is in the test folder itself, which is neither the root nor in it,
    and is called as a test VM."""
    parent = c.values.get("parent")
    if expected.folder == expected.root or expected.root in c.above:
        return "the test folder is in the root now; move it out, then end the test again"
    if c.values.get("parentVApp") is not None:  # it has no folder then
        return "it is in a vApp; take it out to have it removed"
    if parent is None or object_id(parent) != expected.folder:
        return "it is not in the test folder any more; move it back to have it removed"
    if not str(c.values.get("name") or "").startswith(expected.prefix):
        return f'its name does not begin with "{expected.prefix}"; give it its name back to have it removed'
    return None


def _in_use(c: Conditions) -> str | None:
    """The rest of condition 5: nobody else works with it."""
    if c.values.get("config.template"):
        return "it was made a template; remove it by hand if nobody uses it"
    manager = getattr(c.values.get("config.managedBy"), "extensionKey", "")
    if manager:
        return f"it is managed by {manager}; remove it there"
    if c.values.get("snapshot") is not None and c.values["snapshot"].rootSnapshotList:
        return "it has a snapshot, so somebody works with it; remove the snapshot to have it removed"
    return None


def _own_disks(expected: Expected, c: Conditions) -> str | None:
    """Condition 6: every disk is its own and stands on what was recorded."""
    home = directory(str(c.values.get("config.files.vmPathName") or ""))
    for disk in _kept(expected, c):
        if not home or directory(disk.file) != home:
            return (
                f"its disk {disk.file} is not in its own directory; detach it (drdeck test detach), which"
                " leaves its file"
            )
        if disk.kind != "plain" or not disk.parents:
            return f"its disk {disk.file} is not one of a linked clone; detach it, without deleting its file"
        if digest(disk.parents[0]) not in expected.bases:
            return f"its disk {disk.file} stands on another file than when it was cloned; look whose it is"
    return None


def _stood_on(expected: Expected, c: Conditions) -> str | None:
    """Condition 8: the disks of no other VM stand on its own."""
    own = _kept(expected, c)
    for other in c.others:
        for disk in other.disks:
            shared = {disk.file, *disk.parents}.intersection(d.file for d in own)
            if shared:
                return f"{other.name} stands on its disk {min(shared)}; remove that one first"
    return None
