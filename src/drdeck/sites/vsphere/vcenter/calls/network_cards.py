"""A VM's network cards: the network that each is on, and the edits that map them to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.hardware_reader import is_card
from drdeck.sites.vsphere.vcenter.properties import (
    filter_spec,
    object_id,
    properties,
    retrieve,
    retrieve_made,
)
from drdeck.sites.vsphere.vcenter.update_parser import LOCAL_NAMES

from .call_arguments import OTHERS
from .vm_tasks import CallSteps

_PC = vmodl.query.PropertyCollector
_CARD = vim.vm.device.VirtualEthernetCard


class CardNetwork(NamedTuple):
    """A network as a card's backing names it: `key` is what a backing holds of it."""

    key: str
    backing: Any


CARDS = "config.hardware.device"


def with_cards(session: VCenterSession, machine: Any, *paths: str) -> dict[str, Any]:
    """Properties of a VM, of its snapshots the names, and of its devices, as CARDS, the network cards.

    The cards are the library's objects, for an edit names one whole; a VM's dozen other devices are not made,
    which would take most of the time of a call.
    """
    spec = filter_spec([machine], {type(machine): paths})
    return retrieve_made(session, spec, _MAKERS, is_card).get(object_id(machine), {})


def _snapshot_names(info: ElementTree.Element) -> frozenset[str]:
    """The names of all snapshots in a VM's `snapshot`: nothing else in it has a name."""
    return frozenset(part.text or "" for part in info.iter() if LOCAL_NAMES[part.tag] == "name")


_MAKERS = {"VirtualMachineSnapshotInfo": _snapshot_names}


def map_cards(
    session: VCenterSession, machine: Any, devices: Sequence[Any], moves: Mapping[str, str]
) -> CallSteps:
    """Put a VM's cards on the other networks of `moves`, connected; nothing where they are."""
    edits = _mapping_edits(session, machine, devices, moves)
    if edits:
        yield machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=edits))
    return ""


def _mapping_edits(
    session: VCenterSession, machine: Any, devices: Sequence[Any], moves: Mapping[str, str]
) -> list[Any]:
    """Edits of a VM's `devices` that put each card on a network of `moves` (id -> id) on the other one.

    A card whose network is none of this vCenter's, as after a mount of replicated storage, goes to that of
    OTHERS, where `moves` has it.

    Cards are told by their backings: `VirtualMachine.network` may go on naming what only a snapshot uses.
    Each card so mapped, and each that is on its target already, is connected at power on: replication tools
    register their replicas with `startConnected` false (API reference: VirtualDeviceConnectInfo).
    """
    cards = [device for device in devices if isinstance(device, _CARD)]
    if not cards or not moves:
        return []
    networks = card_networks(session, {*moves, *moves.values()} - {OTHERS})
    ids = {network.key: network_id for network_id, network in networks.items()}
    strange = _of_no_network(session, machine, cards, ids) if moves.get(OTHERS) in networks else frozenset()
    edits = []
    for card in cards:
        key = backing_key(card.backing)
        at = ids.get(key, OTHERS if key in strange else "")
        to = moves.get(at)
        if to is None and at not in moves.values():
            continue
        plug = card.connectable
        connect = plug is not None and not plug.startConnected
        if to is None and not connect:
            continue
        if to is not None:
            card.backing = networks[to].backing
        if plug is not None:
            plug.startConnected = True
        edit = vim.vm.device.VirtualDeviceSpec.Operation.edit
        edits.append(vim.vm.device.VirtualDeviceSpec(operation=edit, device=card))
    return edits


def _of_no_network(
    session: VCenterSession, machine: Any, cards: Sequence[Any], ids: Mapping[str, str]
) -> frozenset[str]:
    """Keys in the cards' backings that no network of this vCenter has; `ids`: those that are known.

    `VirtualMachine.network` has every network here that a card is on, and maybe more.
    """
    unknown = {backing_key(card.backing) for card in cards} - {*ids}
    if not unknown:
        return frozenset()
    here = properties(session, machine, "network").get("network") or ()
    present = card_networks(session, [object_id(network) for network in here])
    return frozenset(unknown - {network.key for network in present.values()})


def backing_key(backing: Any) -> str:
    """The key of the network that a card's backing names; empty where it is none of this vCenter's."""
    port = getattr(backing, "port", None)
    if port is not None:
        return str(port.portgroupKey)
    opaque = getattr(backing, "opaqueNetworkId", None)
    if opaque is not None:
        return str(opaque)
    network = getattr(backing, "network", None)
    return "" if network is None else object_id(network)


def card_networks(session: VCenterSession, ids: Iterable[str]) -> dict[str, CardNetwork]:
    """Networks by id as cards' backings name them; those that are not there are left out.

    A distributed port group's key may differ from its id (API reference: DVPortgroupConfigInfo.key), and an
    NSX network that is opaque has an id of its own (OpaqueNetworkSummary).
    """
    references = [network_reference(network_id, session.stub) for network_id in sorted(ids)]
    paths = {
        vim.Network: ["name", "summary"],
        vim.dvs.DistributedVirtualPortgroup: ["config.key", "config.distributedVirtualSwitch"],
    }
    spec = filter_spec(references, paths, may_be_gone=True)
    networks: dict[str, CardNetwork] = {}
    uuids: dict[str, str] = {}
    for content in retrieve(session, spec):
        values = {prop.name: prop.val for prop in content.propSet or ()}
        switch = values.get("config.distributedVirtualSwitch")
        if switch is not None and object_id(switch) not in uuids:
            uuids[object_id(switch)] = str(properties(session, switch, "uuid")["uuid"])
        network = _as_backing(content.obj, values, uuids.get(object_id(switch), "") if switch else "")
        if network is not None:
            networks[object_id(content.obj)] = network
    return networks


def _as_backing(reference: Any, values: Mapping[str, Any], switch: str) -> CardNetwork | None:
    if isinstance(reference, vim.dvs.DistributedVirtualPortgroup):
        key = str(values.get("config.key") or object_id(reference))
        port = vim.dvs.PortConnection(portgroupKey=key, switchUuid=switch)
        return CardNetwork(key, _CARD.DistributedVirtualPortBackingInfo(port=port))
    summary = values.get("summary")
    if isinstance(reference, vim.OpaqueNetwork) and summary is not None:
        backing = _CARD.OpaqueNetworkBackingInfo(
            opaqueNetworkId=summary.opaqueNetworkId, opaqueNetworkType=summary.opaqueNetworkType
        )
        return CardNetwork(str(summary.opaqueNetworkId), backing)
    if "name" not in values:
        return None
    backing = _CARD.NetworkBackingInfo(deviceName=values["name"], network=reference)
    return CardNetwork(object_id(reference), backing)


def network_reference(network_id: str, stub: Any) -> Any:
    """The reference of a network, whose kind vCenter puts into its id."""
    if network_id.startswith("dvportgroup-"):
        return vim.dvs.DistributedVirtualPortgroup(network_id, stub)
    if network_id.startswith(("network-o", "opaquenetwork-")):
        return vim.OpaqueNetwork(network_id, stub)
    return vim.Network(network_id, stub)
