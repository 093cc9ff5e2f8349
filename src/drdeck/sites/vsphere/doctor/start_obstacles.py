"""Obstacles to starting a domain's VMs, as vCenter shows them before: hosts, admission control, memory,
datastores and networks. One look for any number of VMs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.model.guard import Hazard, Hazards
from drdeck.model.text import names, show_bytes, some
from drdeck.sites.vsphere.inventory.inventory_facts import NetworkFacts, VmFacts, decode_name
from drdeck.sites.vsphere.plan.domain_alarms import TEMPLATES, TEMPLATES_REMEDY
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve, step_to

MIB = 1 << 20
NEVER_CHECKED = (
    "whether reservations, DRS rules and resource pools leave room to start them",
    "whether licences allow them to be started",
)
_HOST = [
    "name",
    "runtime.connectionState",
    "runtime.inMaintenanceMode",
    "network",
    "summary.hardware.memorySize",
    "summary.quickStats.overallMemoryUsage",
]
_STORE = [
    "name",
    "summary.accessible",
    "summary.maintenanceMode",
    "summary.freeSpace",
    "summary.capacity",
]


class Host(NamedTuple):
    """A host; `unusable`: why nothing can be started on it, empty: something can. Bytes of memory."""

    name: str
    unusable: str
    networks: frozenset[str]
    memory_free: int


class ComputeResource(NamedTuple):
    """A cluster, or a host by itself. `admission_control`: vSphere HA keeps room, and refuses starts."""

    name: str
    hosts: frozenset[str]
    admission_control: bool = False


class Store(NamedTuple):
    """A datastore; `unusable`: why nothing can be started from it. Bytes of room."""

    name: str
    unusable: str
    free: int
    capacity: int = 0
    accessible: bool = True


class StartFacts(NamedTuple):
    """All that a look told; `memory`: VM id -> bytes; `unread`: the reason why something was not read."""

    hosts: Mapping[str, Host] = {}
    resources: Sequence[ComputeResource] = ()
    stores: Mapping[str, Store] = {}
    memory: Mapping[str, int] = {}
    unread: str = ""


async def look(connection: Connection, vms: Sequence[VmFacts]) -> StartFacts:
    """Read it for the hosts and datastores of these VMs: one call. Raises SiteError."""
    return await connection.command(lambda session: _read(session, vms), "look what may stop the start")


def obstacles(
    facts: StartFacts,
    vms: Sequence[VmFacts],
    targets: Iterable[NetworkFacts] = (),
    templates: Sequence[VmFacts] = (),
) -> Hazards:
    """Reasons against starting these VMs, and what was not looked at. Pure. `targets`: the networks that
    they will be connected to; `templates`: those of the domain's folder, which nothing starts."""
    text = f"{TEMPLATES}: {names(templates)}. {TEMPLATES_REMEDY}."
    warns: list[Hazard] = [_against("template", text)] if templates else []
    if facts.unread:
        unread = f"what may stop VMs from starting ({facts.unread})"
        return Hazards(warns=tuple(warns), not_checked=(unread, *NEVER_CHECKED))
    starting = [vm for vm in vms if vm.power != "on"]
    for resource in facts.resources:
        its = [vm for vm in starting if vm.host in resource.hosts]
        if its:
            warns += _of_hosts(facts, resource, its, list(targets))
    return Hazards(warns=(*warns, *_of_stores(facts, starting)), not_checked=NEVER_CHECKED)


def _of_hosts(
    facts: StartFacts, resource: ComputeResource, vms: Sequence[VmFacts], targets: Sequence[NetworkFacts]
) -> list[Hazard]:
    hosts = [facts.hosts[host] for host in sorted(resource.hosts) if host in facts.hosts]
    usable = [host for host in hosts if not host.unusable]
    idle = [f"{host.name} {host.unusable}" for host in hosts if host.unusable]
    if not usable:
        reasons = some(idle) or "it has none"
        return [_against("hosts", f'No host of "{resource.name}" can start {names(vms)}: {reasons}.')]
    warns = []
    if idle:
        text = f'{len(idle)} of {len(hosts)} hosts of "{resource.name}" cannot start VMs: {some(idle)}.'
        warns.append(_against("hosts", text))
    needed, free = sum(facts.memory.get(vm.id, 0) for vm in vms), sum(host.memory_free for host in usable)
    if needed > free:
        text = (
            f'{len(vms)} VMs need {show_bytes(needed)} of memory in "{resource.name}", whose usable hosts'
            f" have {show_bytes(free)} free."
        )
        warns.append(_against("memory", text))
    if resource.admission_control:
        text = (
            f'vSphere HA admission control is on in "{resource.name}": it refuses starts that take its spare.'
        )
        warns.append(_against("admission_control", text))
    offered = frozenset[str]().union(*(host.networks for host in usable))
    for network in targets:
        if network.id not in offered:
            text = f'No usable host of "{resource.name}" has the network "{network.name}", for {names(vms)}.'
            warns.append(_against("network", text))
    return warns


def _of_stores(facts: StartFacts, vms: Sequence[VmFacts]) -> Iterable[Hazard]:
    for store_id, store in sorted(facts.stores.items(), key=lambda pair: pair[1].name):
        its = [vm for vm in vms if store_id in vm.datastores]
        if not its:
            continue
        swap = sum(facts.memory.get(vm.id, 0) for vm in its)
        if store.unusable:
            yield _against("datastore", f'The datastore "{store.name}" {store.unusable}: {names(its)}.')
        elif swap > store.free:
            text = (
                f'The datastore "{store.name}" has {show_bytes(store.free)} free; the swap files of'
                f" {names(its)} take up to {show_bytes(swap)}."
            )
            yield _against("datastore", text)


def _against(kind: str, text: str) -> Hazard:
    return Hazard(kind=kind, text=text)


def _read(session: VCenterSession, vms: Sequence[VmFacts]) -> StartFacts:
    """Blocks. Clusters with all their hosts, VMs and datastores by one call."""
    try:
        return _facts(session, vms)
    except vim.fault.NotAuthenticated:
        raise
    except vmodl.MethodFault as fault:
        return StartFacts(unread=f"vCenter does not tell: {words(fault)}")


def _facts(session: VCenterSession, vms: Sequence[VmFacts]) -> StartFacts:
    hosts: dict[str, Host] = {}
    resources: dict[str, ComputeResource] = {}
    stores: dict[str, Store] = {}
    memory: dict[str, int] = {}
    roots: list[Any] = [vim.HostSystem(i, session.stub) for i in sorted({vm.host for vm in vms if vm.host})]
    roots += [vim.VirtualMachine(vm.id, session.stub) for vm in vms]
    roots += [vim.Datastore(i, session.stub) for i in sorted({s for vm in vms for s in vm.datastores})]
    if not roots:
        return StartFacts()
    kinds = {
        vim.HostSystem: _HOST,
        vim.ComputeResource: ["name", "host"],
        vim.ClusterComputeResource: ["configurationEx"],
        vim.VirtualMachine: ["summary.config.memorySizeMB"],
        vim.Datastore: _STORE,
    }
    upwards = step_to(vim.HostSystem, "parent", step_to(vim.ComputeResource, "host"))
    contents = retrieve(session, filter_spec(roots, kinds, upwards, may_be_gone=True))
    for content in contents:
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        ident = object_id(content.obj)
        if isinstance(content.obj, vim.HostSystem):
            hosts[ident] = _host(raw)
        elif isinstance(content.obj, vim.ComputeResource):
            resources[ident] = _resource(raw)
        elif isinstance(content.obj, vim.Datastore):
            stores[ident] = _store(ident, raw)
        elif "summary.config.memorySizeMB" in raw:
            memory[ident] = int(raw["summary.config.memorySizeMB"]) * MIB
    return StartFacts(hosts, list(resources.values()), stores, memory)


def _host(raw: Mapping[str, Any]) -> Host:
    state = str(raw.get("runtime.connectionState") or "unknown")
    unusable = "is in maintenance mode" if raw.get("runtime.inMaintenanceMode") else ""
    if state != "connected":
        unusable = "does not answer" if state == "notResponding" else f"is {state}"
    used = int(raw.get("summary.quickStats.overallMemoryUsage") or 0) * MIB
    return Host(
        name=decode_name(str(raw.get("name") or "")),
        unusable=unusable,
        networks=frozenset(object_id(network) for network in raw.get("network") or ()),
        memory_free=max(0, int(raw.get("summary.hardware.memorySize") or 0) - used),
    )


def _resource(raw: Mapping[str, Any]) -> ComputeResource:
    das = getattr(raw.get("configurationEx"), "dasConfig", None)
    return ComputeResource(
        name=decode_name(str(raw.get("name") or "")),
        hosts=frozenset(object_id(host) for host in raw.get("host") or ()),
        admission_control=das is not None and bool(das.enabled) and bool(das.admissionControlEnabled),
    )


def _store(ident: str, raw: Mapping[str, Any]) -> Store:
    maintenance = str(raw.get("summary.maintenanceMode") or "normal")
    unusable = "" if maintenance == "normal" else "is in maintenance mode, or enters it"
    accessible = raw.get("summary.accessible") is not False
    return Store(
        name=decode_name(str(raw.get("name") or ident)),
        unusable=unusable if accessible else "is not accessible",
        free=int(raw.get("summary.freeSpace") or 0),
        capacity=int(raw.get("summary.capacity") or 0),
        accessible=accessible,
    )
