"""Turns raw vCenter properties into facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drdeck.model.domains import VmQuestion
from drdeck.sites.vsphere.vcenter.properties import object_id, snapshot_nodes

from .inventory_facts import FolderFacts, NetworkFacts, SnapshotFact, VmFacts, decode_name
from .snapshot_maker import SnapshotTree

_POWER = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}
_UPLINKS = "SYSTEM/DVS.UPLINKPG"
_NONE = SnapshotTree(None, ())


def vm_facts(
    vm_id: str,
    raw: Mapping[str, Any],
    running_tasks: tuple[str, ...] = (),
    vapps: Mapping[str, Mapping[str, Any]] = {},
) -> VmFacts:
    """A VM from its properties; `running_tasks`: its tasks under way, as it was asked for them; `vapps`: the
    properties of all vApps, by id."""
    snapshots = _snapshots(raw.get("snapshot"))
    return VmFacts(
        id=vm_id,
        name=decode_name(str(raw.get("name") or vm_id)),
        parent=_folder(raw, vapps),
        vapp=_vapp_name(raw, vapps),
        power=_POWER.get(str(raw.get("runtime.powerState")), "unknown"),
        connection=str(raw.get("runtime.connectionState") or "unknown"),
        template=bool(raw.get("config.template")),
        instance_uuid=str(raw.get("config.instanceUuid") or ""),
        tools_running=raw.get("guest.toolsRunningStatus") == "guestToolsRunning",
        addresses=_addresses(raw),
        networks=tuple(object_id(network) for network in raw.get("network") or ()),
        host=_id(raw.get("runtime.host")) or "",
        datastores=tuple(object_id(store) for store in raw.get("datastore") or ()),
        snapshots=snapshots.snapshots,
        current_snapshot=snapshots.current,
        change_version=str(raw.get("config.changeVersion") or ""),
        managed_by=str(getattr(raw.get("config.managedBy"), "extensionKey", "") or ""),
        disks=raw.get("summary.config.numVirtualDisks"),
        consolidation_needed=bool(raw.get("runtime.consolidationNeeded")),
        question=_question(raw.get("runtime.question")),
        running_tasks=running_tasks,
    )


def _snapshots(info: Any) -> SnapshotTree:
    """The snapshots of a VM: as they were made of an answer, or as pyVmomi has them."""
    if info is None:
        return _NONE
    if isinstance(info, SnapshotTree):
        return info
    snapshots = tuple(
        SnapshotFact(
            id=object_id(node.snapshot),
            name=str(node.name),
            description=str(node.description or ""),
            created=_instant(node.createTime),
            parent_id=parent,
            # as seen: without memory it is one of a VM that is off (VirtualMachineSnapshotTree.state)
            memory=str(node.state) == "poweredOn",
        )
        for node, parent in snapshot_nodes(info)
    )
    return SnapshotTree(_id(info.currentSnapshot), snapshots)


def folder_facts(folder_id: str, raw: Mapping[str, Any]) -> FolderFacts:
    """A folder from its properties, without its attributes."""
    return FolderFacts(
        id=folder_id,
        name=decode_name(str(raw.get("name") or folder_id)),
        parent=_id(raw.get("parent")),
    )


def network_facts(network_id: str, raw: Mapping[str, Any]) -> NetworkFacts | None:
    """A network, or None where it is a switch's uplinks, which no VM may use."""
    if any(str(getattr(tag, "key", "")) == _UPLINKS for tag in raw.get("tag") or ()):
        return None
    return NetworkFacts(id=network_id, name=decode_name(str(raw.get("name") or network_id)))


def attributes_from(objects: Any) -> tuple[dict[int, str], dict[str, dict[str, str]]]:
    """The names of custom attributes by key, and the attributes by folder id and name, from one answer that
    holds definitions and values."""
    names: dict[int, str] = {}
    for content in objects or ():
        for prop in content.propSet or ():
            if prop.name == "field":
                names = {int(field.key): str(field.name) for field in prop.val or ()}
    return names, attributes_of(attribute_values(objects), names)


def attribute_values(objects: Any) -> dict[str, dict[int, str]]:
    """The values in an answer, by folder id and key."""
    # of several values for one name the last counts: the simulator appends where a vCenter replaces
    return {
        object_id(content.obj): {int(value.key): str(value.value) for value in prop.val or ()}
        for content in objects or ()
        for prop in content.propSet or ()
        if prop.name == "customValue"
    }


def attributes_of(
    values: Mapping[str, Mapping[int, str]], names: Mapping[int, str]
) -> dict[str, dict[str, str]]:
    """The attributes by folder id and name, of values by key; those without a name or a value are none."""
    return {
        folder: {names[key]: text for key, text in of_one.items() if key in names and text}
        for folder, of_one in values.items()
    }


def _question(info: Any) -> VmQuestion | None:
    """The question that blocks a VM. An answer is sent as the key of a choice (API reference: AnswerVM), so
    that its place in the list, and its words, are nobody's."""
    if info is None:
        return None
    choices = (info.choice.choiceInfo or ()) if info.choice else ()
    messages = [str(message.id) for message in info.message or ()]
    return VmQuestion(
        id=str(info.id),
        text=" ".join(str(info.text or "").split()),
        message=messages[0] if messages else "",
        choices={str(choice.label or choice.key): str(choice.key) for choice in choices},
    )


def _folder(raw: Mapping[str, Any], vapps: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The id of a VM's folder. In a vApp a VM has no parent, and the outermost vApp knows the folder.

    API reference: VirtualMachine.parentVApp, VirtualApp.parentFolder.
    """
    if raw.get("parent") is not None:
        return _id(raw["parent"])
    at = raw
    for _ in range(len(vapps) + 1):
        if at.get("parentFolder") is not None:
            return _id(at["parentFolder"])
        at = vapps.get(_id(at.get("parentVApp")) or "", {})
    return None


def _vapp_name(raw: Mapping[str, Any], vapps: Mapping[str, Mapping[str, Any]]) -> str | None:
    vapp = vapps.get(_id(raw.get("parentVApp")) or "")
    return None if vapp is None else decode_name(str(vapp.get("name") or ""))


def _addresses(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Addresses of the VM's own cards, the guest's main one last where nothing better is told.

    What is no card of the VM's, such as a container engine's bridge, has no device (API reference:
    GuestNicInfo.deviceConfigId).
    """
    own = [card for card in raw.get("guest.net") or () if (card.deviceConfigId or 0) >= 0]
    addresses = [str(address) for card in own for address in card.ipAddress or ()]
    main = str(raw.get("guest.ipAddress") or "")
    return tuple(dict.fromkeys([*addresses, *([main] if main else [])]))


def _id(reference: Any) -> str | None:
    return None if reference is None else object_id(reference)


def _instant(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
