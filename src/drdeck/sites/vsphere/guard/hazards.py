"""Hazards of a PITR session, as far as vCenter shows them before they happen: DRS and scheduled tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.guard import Hazard, Hazards
from drdeck.model.text import names
from drdeck.model.times import show_spaced
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts, decode_name
from drdeck.sites.vsphere.vcenter.calls.drs_levels import AUTOMATED, drs_levels
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words
from drdeck.sites.vsphere.vcenter.properties import (
    filter_spec,
    find_root,
    object_id,
    properties,
    retrieve,
    step_to,
)

from .session_memory import SessionMemory

BACKUPS = "whether a backup tool has a schedule of its own for these VMs"


class Cluster(NamedTuple):
    """A cluster's automation; `overrides`: VM id -> behaviour, empty where DRS is off for it."""

    name: str
    hosts: frozenset[str]
    behavior: str
    """empty: DRS is off"""
    overrides: Mapping[str, str]


class ScheduledTask(NamedTuple):
    """A scheduled task that is enabled."""

    name: str
    does: str
    entity: str
    next: str


def look(session: VCenterSession, root: str, hosts: frozenset[str]) -> HazardFacts:
    """Automation of clusters, and scheduled tasks; blocks. Three calls, and one for each folder above."""
    clusters, no_clusters = _try(lambda: _clusters(session, hosts), ())
    tasks, no_tasks = _try(lambda: _tasks(session), ())
    above, _ = _try(lambda: _above(session, root), {})
    return HazardFacts(clusters, tasks, above, no_clusters, no_tasks)


async def foresee(connection: Connection, root: str, vms: Iterable[VmFacts]) -> HazardFacts:
    """The same for the hosts of some VMs. Raises SiteUnreachable."""
    hosts = frozenset(vm.host for vm in vms if vm.host)
    return await connection.command(
        lambda session: look(session, root, hosts), "look for what may disturb a PITR session"
    )


class HazardFacts(NamedTuple):
    """Facts of a vCenter for a look at hazards.

    `above`: id -> name of what is above the root; the last two say why something was not looked at.
    """

    clusters: Sequence[Cluster]
    tasks: Sequence[ScheduledTask]
    above: Mapping[str, str]
    no_clusters: str = ""
    no_tasks: str = ""


def hazards(
    facts: HazardFacts,
    inventory: Inventory,
    folder: FolderFacts,
    vms: Sequence[VmFacts],
    not_covered: Callable[[VmFacts], tuple[str, ...]] = lambda _: (),
) -> Hazards:
    """The hazards that concern these VMs of a domain. Pure. `not_covered`: devices of a VM, in words."""
    warns = [*_uncovered(vms, not_covered), *_managed(vms)]
    warns += [*_drs(facts, vms), *_scheduled(facts, inventory, folder, vms)]
    unchecked = []
    if facts.no_clusters:
        unchecked.append(f"whether DRS moves these VMs automatically ({facts.no_clusters})")
    if facts.no_tasks:
        unchecked.append(f"whether scheduled tasks change these VMs ({facts.no_tasks})")
    return Hazards(warns=tuple(warns), not_checked=(*unchecked, BACKUPS))


def _uncovered(vms: Sequence[VmFacts], not_covered: Callable[[VmFacts], tuple[str, ...]]) -> Iterable[Hazard]:
    for vm in vms:
        devices = not_covered(vm)
        if devices:
            yield Hazard(
                kind="not_covered",
                text=f"A rollback does not cover all of {vm.name}: {'; '.join(devices)}.",
            )


def _managed(vms: Sequence[VmFacts]) -> Iterable[Hazard]:
    by_tool: dict[str, list[VmFacts]] = {}
    for vm in vms:
        if vm.managed_by:
            by_tool.setdefault(vm.managed_by, []).append(vm)
    for tool, its in by_tool.items():
        yield Hazard(
            kind="managed",
            text=f"{names(its)} belong to another solution ({tool}), which may change them at any time."
            " Stop its jobs for them first.",
        )


def _drs(facts: HazardFacts, vms: Sequence[VmFacts]) -> Iterable[Hazard]:
    for cluster in facts.clusters:
        moved = [
            vm
            for vm in vms
            if vm.host in cluster.hosts and cluster.overrides.get(vm.id, cluster.behavior) == AUTOMATED
        ]
        if moved:
            yield Hazard(
                kind="drs",
                text=f'DRS is fully automated in cluster "{cluster.name}" and may move {names(moved)} to'
                " other hosts during a PITR session. Set it to manual for them until the session is exited.",
            )


def _scheduled(
    facts: HazardFacts, inventory: Inventory, folder: FolderFacts, vms: Sequence[VmFacts]
) -> Iterable[Hazard]:
    places = {vm.id: vm.name for vm in vms}
    for vm in vms:
        parent = inventory.folders.get(vm.parent or "")
        if parent is not None:
            places[parent.id] = f'the folder "{parent.name}"'
    places |= {ident: f'"{name}", which the domain is in' for ident, name in facts.above.items()}
    places |= {inventory.root.id: f'the folder "{inventory.root.name}", which the domain is in'}
    places |= {folder.id: f'the folder "{folder.name}"'}
    for cluster in facts.clusters:
        places |= dict.fromkeys(cluster.hosts, f'a host of cluster "{cluster.name}"')
    for task in facts.tasks:
        if task.entity in places:
            runs = f", next at {task.next}" if task.next else ""
            yield Hazard(
                kind="schedule",
                text=f'The scheduled task "{task.name}" ({task.does}) is for {places[task.entity]}{runs}.'
                " Disable it in vCenter until the PITR session is exited.",
            )


def _try(read: Callable[[], Any], nothing: Any) -> tuple[Any, str]:
    """(Answer, "") or (`nothing`, the reason in vCenter's words)."""
    try:
        return read(), ""
    except vim.fault.NotAuthenticated:
        raise
    except vmodl.MethodFault as fault:
        return nothing, f"vCenter does not tell: {words(fault)}"


def _clusters(session: VCenterSession, hosts: frozenset[str]) -> list[Cluster]:
    if not hosts:
        return []
    spec = filter_spec(
        [vim.HostSystem(host, session.stub) for host in sorted(hosts)],
        {vim.ClusterComputeResource: ["name", "host", "configurationEx"]},
        step_to(vim.HostSystem, "parent"),
        only_via=True,
        may_be_gone=True,
    )
    clusters: dict[str, Cluster] = {}
    for content in retrieve(session, spec):
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        config = raw.get("configurationEx")
        if not isinstance(content.obj, vim.ClusterComputeResource) or config is None:
            continue
        levels = drs_levels(config)
        clusters[object_id(content.obj)] = Cluster(
            name=decode_name(str(raw.get("name") or "")),
            hosts=frozenset(object_id(host) for host in raw.get("host") or ()),
            behavior=levels.cluster,
            overrides=levels.of_vms,
        )
    return list(clusters.values())


def _tasks(session: VCenterSession) -> list[ScheduledTask]:
    manager = session.content.scheduledTaskManager
    if manager is None:
        raise vmodl.fault.NotSupported(msg="it has no scheduled tasks")
    every = manager.RetrieveEntityScheduledTask() or ()  # of no entity: all that the account may see
    if not every:
        return []
    paths = ["info.name", "info.enabled", "info.action", "info.entity", "info.nextRunTime"]
    spec = filter_spec(every, {vim.scheduler.ScheduledTask: paths}, may_be_gone=True)
    tasks = []
    for content in retrieve(session, spec):
        raw = {prop.name: prop.val for prop in content.propSet or ()}
        if not raw.get("info.enabled") or raw.get("info.entity") is None:
            continue
        at = raw.get("info.nextRunTime")
        tasks.append(
            ScheduledTask(
                name=decode_name(str(raw.get("info.name") or "")),
                does=_action(raw.get("info.action")),
                entity=object_id(raw["info.entity"]),
                next="" if at is None else show_spaced(at.astimezone(UTC).replace(microsecond=0)),
            )
        )
    return sorted(tasks)


def _action(action: Any) -> str:
    """The name of the call that a scheduled task makes: "CreateSnapshot"."""
    if isinstance(action, vim.action.MethodAction):
        method = getattr(action.name, "info", None)  # pyVmomi makes the method itself of its name
        name = str(action.name if method is None else method.wsdlName)
        return name.rsplit(".", 1)[-1].removesuffix("_Task")
    return type(action).__name__.rsplit(".", 1)[-1] if action is not None else "unknown"


def _above(session: VCenterSession, root: str) -> dict[str, str]:
    """The folders above the root, and its datacenter: id -> name."""
    folders: dict[str, str] = {}
    at = properties(session, find_root(session, root), "parent").get("parent")
    while at is not None:
        raw = properties(session, at, "name", "parent")
        folders[object_id(at)] = decode_name(str(raw.get("name") or ""))
        at = raw.get("parent") if not isinstance(at, vim.Datacenter) else None
    return folders


FORESEE_S = 60.0
"""How often they are looked at while a session is active."""


class HazardAlarms:
    """One alarm for each, for as long as it may happen. `root`: the site's; `now`: vCenter's clock."""

    def __init__(self, root: str, now: Callable[[], datetime]) -> None:
        self._root, self._now = root, now
        self._alarms: dict[str, dict[str, Alarm]] = {}
        """folder -> text -> alarm"""
        self._looked_s = -FORESEE_S

    @property
    def due_s(self) -> float:
        """Seconds until it is time to look again."""
        return self._looked_s + FORESEE_S - time.monotonic()

    def alarms(self, folder: str) -> tuple[Alarm, ...]:
        """Those of a domain's session."""
        return tuple(self._alarms.get(folder, {}).values())

    def forget_others(self, folders: Collection[str]) -> None:
        """Only these domains have a session now."""
        for folder in self._alarms.keys() - set(folders):
            del self._alarms[folder]

    async def look(
        self, sessions: Mapping[str, SessionMemory], inventory: Inventory, connection: Connection
    ) -> bool:
        """Look, if it is time to, at the VMs of these sessions, by folder; True if it was."""
        new = any(folder not in self._alarms for folder in sessions)
        if not sessions or not (new or self.due_s <= 0):
            return False
        self._looked_s = time.monotonic()
        members = {vm for memory in sessions.values() for vm in memory.members}
        vms = [vm for vm in inventory.vms.values() if vm.id in members]
        facts = await foresee(connection, self._root, vms)
        for folder in inventory.domains:
            memory = sessions.get(folder.id)
            if memory is None:
                continue
            before = self._alarms.get(folder.id, {})
            began = self._now() if before else memory.started
            vms = [vm for vm in inventory.vms_of(folder.id) if vm.id in memory.members]
            self._alarms[folder.id] = {
                hazard.text: before.get(hazard.text)
                or Alarm(time=began, severity=Severity.WARNING, vm=None, kind=hazard.kind, text=hazard.text)
                for hazard in hazards(facts, inventory, folder, vms).warns
            }
        return True
