"""Isolation of networks: whether what is on them can reach anything but test VMs.

A port group on a standard switch without a physical adapter reaches no other host (API reference:
HostVirtualSwitch.pnic). A distributed switch with uplinks may carry it anywhere, whatever its VLAN: that is
not for us to judge (DistributedVirtualSwitchHostMemberPnicBacking).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pyVmomi import vim

from drdeck.model.text import some

from .connection import VCenterSession
from .properties import filter_spec, object_id, retrieve

_HOST = ("name", "config.network.portgroup", "config.network.vswitch")


def _values(objects: Iterable[Any]) -> dict[str, dict[str, Any]]:
    return {object_id(x.obj): {p.name: p.val for p in x.propSet or ()} for x in objects}


def connections(session: VCenterSession, networks: Collection[Any], folder: str) -> dict[str, str]:
    """By id of each network: what it is connected to, in words, or nothing where it is isolated. `networks`:
    references; VMs in the folder, by id, are test VMs."""
    if not networks:
        return {}
    standard = [n for n in networks if not isinstance(n, vim.dvs.DistributedVirtualPortgroup)]
    paths = {
        vim.Network: ["name", "vm", "host"],
        vim.dvs.DistributedVirtualPortgroup: ["config.distributedVirtualSwitch"],
    }
    facts = _values(retrieve(session, filter_spec(networks, paths, may_be_gone=True)))
    hosts = {object_id(h): h for n in standard for h in facts.get(object_id(n), {}).get("host", ())}
    switches = {
        object_id(switch): switch
        for values in facts.values()
        if (switch := values.get("config.distributedVirtualSwitch")) is not None
    }
    beside = {
        **_read(session, hosts.values(), {vim.HostSystem: _HOST}),
        **_read(session, switches.values(), {vim.DistributedVirtualSwitch: ("config.host",)}),
    }
    vms = {object_id(vm): vm for values in facts.values() for vm in values.get("vm", ())}
    owners = _read(session, vms.values(), {vim.VirtualMachine: ("name", "parent")})
    by_network = {}
    for network in networks:
        values = facts.get(object_id(network), {})
        by_network[object_id(network)] = _connection(network, values, beside) or _others(
            values, owners, folder
        )
    return by_network


def _read(
    session: VCenterSession, references: Iterable[Any], paths: Mapping[Any, Iterable[str]]
) -> dict[str, dict[str, Any]]:
    things = list(references)
    return _values(retrieve(session, filter_spec(things, paths, may_be_gone=True))) if things else {}


def _connection(network: Any, values: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> str:
    """Uplinks of a network's switch, in words; also why nobody can tell."""
    name = values.get("name")
    if name is None:
        return "vCenter does not show it"
    switch = values.get("config.distributedVirtualSwitch")
    if switch is not None:
        config = beside.get(object_id(switch), {}).get("config.host")
        if config is None:
            return "vCenter does not show its switch's uplinks"
        backings = [getattr(member.config, "backing", None) for member in config]
        return "its switch has uplinks" if any(getattr(b, "pnicSpec", None) for b in backings) else ""
    if isinstance(network, vim.OpaqueNetwork):
        return "an NSX network may be routed"
    hosts = [beside.get(object_id(host)) for host in values.get("host", ())]
    if not hosts:
        return "it is on no host"
    uplinked = []
    for host in hosts:
        if host is None or "config.network.vswitch" not in host:
            return "vCenter does not show the switches of its hosts"
        group = next((g for g in host.get("config.network.portgroup", ()) if g.spec.name == name), None)
        at = next((s for s in host["config.network.vswitch"] if group and s.key == group.vswitch), None)
        if at is None:
            return f"its switch on {host.get('name')} is not known"
        if at.pnic:
            uplinked.append(str(host.get("name")))
    return f"it has an uplink on {some(sorted(uplinked))}" if uplinked else ""


def _others(values: Mapping[str, Any], owners: Mapping[str, Mapping[str, Any]], folder: str) -> str:
    """VMs on a network that are no test VMs."""
    others = []
    for vm in values.get("vm", ()):
        owner = owners.get(object_id(vm), {})
        if owner.get("parent") is None or object_id(owner["parent"]) != folder:
            others.append(str(owner.get("name") or object_id(vm)))
    return f"other VMs are on it: {some(sorted(others))}" if others else ""
