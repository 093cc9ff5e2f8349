"""Properties: read by one call for any number of objects, and the filters of what is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from pyVmomi import vim, vmodl

from drdeck.model.text import some
from drdeck.sites.contract import Refused

from .connection import VCenterSession
from .update_parser import LOCAL_NAMES, Maker, PropertyUpdate, Reference, RetrieveParser

_PC = vmodl.query.PropertyCollector
_SHOWN = 8


def object_id(reference: Any) -> str:
    """The managed object id, "vm-42"."""
    return str(reference._GetMoId())


def filter_spec(
    objects: Iterable[Any],
    paths: Mapping[Any, Iterable[str]],
    via: Any = None,
    only_via: bool = False,
    may_be_gone: bool = False,
) -> Any:
    """A FilterSpec for properties, by type, of objects and of what the step `via` leads to from them.

    An ObjectSpec among the objects stays as it is. `only_via`: nothing of the objects themselves;
    `may_be_gone`: one that does not exist any more is left out, not a fault of the whole call.
    """
    steps, skip = [via] if via is not None else [], True if only_via else None
    return _PC.FilterSpec(
        objectSet=[
            thing
            if isinstance(thing, _PC.ObjectSpec)
            else _PC.ObjectSpec(obj=thing, skip=skip, selectSet=steps)
            for thing in objects
        ],
        propSet=[_PC.PropertySpec(type=kind, pathSet=list(names)) for kind, names in paths.items()],
        reportMissingObjectsInResults=True if may_be_gone else None,
    )


def step_to(kind: Any, path: str, *then: Any) -> Any:
    """The step from objects of a kind along a property that names other objects, and from there on."""
    return _PC.TraversalSpec(type=kind, path=path, skip=False, selectSet=list(then))


def retrieve(session: VCenterSession, *specs: Any) -> list[Any]:
    """All ObjectContent for FilterSpecs, read at one time, in as many pieces as the vCenter makes of it."""
    collector = session.content.propertyCollector
    answer = collector.RetrievePropertiesEx([*specs], _PC.RetrieveOptions())
    objects: list[Any] = []
    while answer is not None:
        objects.extend(answer.objects or ())
        answer = collector.ContinueRetrievePropertiesEx(answer.token) if answer.token else None
    for content in objects:
        for missing in content.missingSet or ():
            # without a session a vCenter answers, but with nothing in it
            if isinstance(missing.fault, vim.fault.NotAuthenticated):
                raise missing.fault
    return objects


def retrieve_made(
    session: VCenterSession,
    spec: Any,
    makers: Mapping[str, Maker],
    wanted_device: Callable[[str], bool] = lambda kind: True,
) -> dict[str, dict[str, Any]]:
    """Property values for a FilterSpec, by object id and path, as `retrieve` has them, but that `makers` make
    those of their types: for answers that are large, or asked for often. `wanted_device`: see
    UpdateParser."""
    values: dict[str, dict[str, Any]] = {}

    def take(thing: Reference, kind: str, changes: list[PropertyUpdate]) -> None:
        values.setdefault(thing.id, {}).update({change.name: change.val for change in changes})

    collector, token = session.content.propertyCollector, None
    while token != "":
        parser = RetrieveParser(take, makers, session.stub)
        parser.wanted_device = wanted_device
        with session.stub.read_by(parser):
            if token is None:
                collector.RetrievePropertiesEx([spec], _PC.RetrieveOptions())
            else:
                collector.ContinueRetrievePropertiesEx(token)
        if parser.unauthenticated:
            raise vim.fault.NotAuthenticated
        token = parser.token
    return values


def read_attributes(session: VCenterSession, spec: Any) -> tuple[dict[int, str], dict[str, dict[int, str]]]:
    """Names of custom attributes by key, and values by folder id and key, as far as a FilterSpec asks for
    either: with each step of each domain they are read, and a definition for each domain's claim is there."""
    names: dict[int, str] = {}
    values: dict[str, dict[int, str]] = {}
    for ident, of_one in retrieve_made(session, spec, _OF_ATTRIBUTES).items():
        names |= of_one.get("field", {})
        if "customValue" in of_one:
            values[ident] = of_one["customValue"]
    return names, values


def _texts_by_key(name: str) -> Maker:
    """Makes the texts in such an element's parts by the keys beside them; of two for one key the last one
    counts: the simulator appends where a vCenter replaces."""

    def make(element: ElementTree.Element) -> dict[int, str]:
        texts = {}
        for part in element:
            own = {LOCAL_NAMES[inner.tag]: inner.text or "" for inner in part}
            texts[int(own["key"])] = own[name]
        return texts

    return make


_OF_ATTRIBUTES = {
    "ArrayOfCustomFieldDef": _texts_by_key("name"),
    "ArrayOfCustomFieldValue": _texts_by_key("value"),
}


def properties(session: VCenterSession, thing: Any, *paths: str) -> dict[str, Any]:
    """Properties of one object; unset ones are absent."""
    spec = filter_spec([thing], {type(thing): paths})
    return {prop.name: prop.val for content in retrieve(session, spec) for prop in content.propSet or ()}


def snapshot_nodes(info: Any) -> Iterator[tuple[Any, str | None]]:
    """The nodes of a VM's `snapshot`, parents before children, each with its parent's id."""
    # by hand and not by recursion: a chain may be long
    open_nodes: list[tuple[Any, str | None]] = (
        [(node, None) for node in reversed(info.rootSnapshotList or ())] if info is not None else []
    )
    while open_nodes:
        node, parent = open_nodes.pop()
        yield node, parent
        own = object_id(node.snapshot)
        open_nodes.extend((child, own) for child in reversed(node.childSnapshotList or ()))


def find_root(session: VCenterSession, path: str) -> Any:
    """The VM folder at an inventory path such as /DC0/vm/drdeck. Raises Refused, telling what is there."""
    search = session.content.searchIndex
    names = [name for name in path.split("/") if name]
    folder = search.FindByInventoryPath("/".join(names)) if names else None
    server = f"vCenter {session.endpoint.server}"
    if (
        isinstance(folder, vim.Folder)
        and "VirtualMachine" in (properties(session, folder, "childType")["childType"])
    ):
        return folder
    if folder is not None:
        raise Refused(f"{path} in {server} is no VM folder; root must be one, such as /DATACENTER/vm/FOLDER")
    deepest, at = session.content.rootFolder, ""
    for count in range(len(names) - 1, 0, -1):
        above = search.FindByInventoryPath("/".join(names[:count]))
        if above is not None:
            deepest, at = above, "/" + "/".join(names[:count])
            break
    inside = _children(session, deepest)
    raise Refused(
        f"The root folder {path or '/'} is not in {server}: {at or '/'} has"
        f" {some(inside, _SHOWN) or 'nothing in it'}; correct root in the settings, or make the folder"
    )


def child_folders(session: VCenterSession, root: Any) -> dict[str, str]:
    """The folders right under a folder: id -> name as vCenter keeps it."""
    children = step_to(vim.Folder, "childEntity")
    spec = filter_spec([root], {vim.Folder: ["name", "parent"]}, children, only_via=True)
    names = {}
    for content in retrieve(session, spec):
        values = {prop.name: prop.val for prop in content.propSet or ()}
        if values.get("parent") is not None and object_id(values["parent"]) == object_id(root):
            names[object_id(content.obj)] = str(values["name"])
    return names


def _children(session: VCenterSession, thing: Any) -> list[str]:
    if isinstance(thing, vim.Datacenter):
        return ["vm"]
    if not isinstance(thing, vim.Folder):
        return []
    children = step_to(vim.Folder, "childEntity")
    spec = filter_spec([thing], {vim.Folder: ["name"], vim.Datacenter: ["name"]}, children, only_via=True)
    return sorted(str(prop.val) for content in retrieve(session, spec) for prop in content.propSet or ())


def datacenter_of(session: VCenterSession, thing: Any) -> Any:
    """The datacenter that an object of the inventory is in. Raises Refused where the user may not see it."""
    while not isinstance(thing, vim.Datacenter):
        paths = ("parent", "parentVApp") if isinstance(thing, vim.VirtualMachine) else ("parent",)
        above = properties(session, thing, *paths)
        thing = above.get("parent") or above.get("parentVApp")
        if thing is None:
            raise Refused("drdeck may not see the datacenter that its folder and VMs are in")
    return thing


VM_PATHS = (
    "name", "parent", "parentVApp", "runtime.powerState", "runtime.connectionState", "runtime.host",
    "config.template", "config.instanceUuid", "config.changeVersion", "config.managedBy",
    "guest.toolsRunningStatus", "guest.ipAddress", "network", "datastore", "snapshot",
    "runtime.consolidationNeeded", "runtime.question", "summary.config.numVirtualDisks",
)  # fmt: skip
"""Whole `snapshot`, for its parts change together; of `guest` only parts, for as a whole it is large."""


def watch_spec(root: Any, view: Any, network_view: Any, fields: Any, addresses: bool = False) -> Any:
    """A FilterSpec over the root folder, a view of what is below it, a view of networks, and `fields`.

    `fields` is the CustomFieldsManager; `addresses`: with those of all cards, which are many.
    """
    vm_paths = [*VM_PATHS, *(["guest.net"] if addresses else [])]
    inside = step_to(vim.VirtualApp, "vm")
    return filter_spec(
        [root, fields, members(view, inside), members(network_view)],
        {
            vim.VirtualMachine: vm_paths,
            vim.Folder: ["name", "parent", "customValue"],
            vim.VirtualApp: ["name", "parentFolder", "parentVApp"],
            vim.CustomFieldsManager: ["field"],
            vim.Network: ["name"],
            vim.dvs.DistributedVirtualPortgroup: ["tag"],
        },
    )


def task_spec(session: VCenterSession, vms: Iterable[str]) -> Any:
    """A FilterSpec for the recent tasks of VMs, by id, and for how each goes.

    vCenter notifies no change of `recentTask` (API reference: ManagedEntity.recentTask): it has to be asked.
    """
    machines = [vim.VirtualMachine(vm, session.stub) for vm in vms]
    paths = {vim.VirtualMachine: ["recentTask"], vim.Task: ["info.state"]}
    return filter_spec(machines, paths, step_to(vim.VirtualMachine, "recentTask"), may_be_gone=True)


def attribute_spec(root: Any, view: Any, fields: Any) -> Any:
    """A FilterSpec for the custom attributes of the root and all folders below it, with their names."""
    paths = {vim.CustomFieldsManager: ["field"], vim.Folder: ["customValue"]}
    return filter_spec([fields, root, members(view)], paths)


def members(view: Any, *then: Any) -> Any:
    """The objects that a view shows, and what is reached from there on."""
    shows = step_to(vim.view.ContainerView, "view", *then)
    return _PC.ObjectSpec(obj=view, skip=True, selectSet=[shows])
