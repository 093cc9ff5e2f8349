"""drdeck's traces in a vCenter, looked for and taken away: the custom attributes of domains' folders.

A definition goes, with all its values, for the whole vCenter (API reference: RemoveCustomFieldDef), so it is
removed only where no other folder has a value of it. Snapshots are never removed here: they are data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.config.settings import VSphereSettings
from drdeck.model.leftovers import DomainLeftovers, Leftovers
from drdeck.model.passwords import OWN
from drdeck.sites.contract import PasswordSource, Refused

from .folder_memory import FolderMemory
from .inventory.fact_parser import attributes_from, vm_facts
from .inventory.inventory_facts import decode_name
from .login import connector
from .plan.restore_points import ours
from .record.attribute_names import LEASE, PREFIX
from .record.attributes import BrokenRecord, read
from .record.domain_record import Record
from .record.leases.lease import CLAIM
from .record.leases.lease_record import lease_holder
from .vcenter.connection import Connection, VCenterSession
from .vcenter.properties import filter_spec, find_root, members, object_id, retrieve


class _Folder(NamedTuple):
    """A folder with a record or a lease; `values`: attribute -> text."""

    name: str
    parent: str
    values: Mapping[str, str]


class _Traces(NamedTuple):
    """Everything of drdeck's in a vCenter. `keys`: attribute -> key of its definition."""

    root: str
    keys: Mapping[str, int]
    folders: Mapping[str, _Folder]
    now: datetime

    def domains(self) -> dict[str, _Folder]:
        """Folders with a record under the site's root."""
        return {i: f for i, f in self.folders.items() if f.parent == self.root and f.values}

    def elsewhere(self) -> list[str]:
        """Names of folders with a record under other roots."""
        return sorted(f.name for f in self._others() if f.values)

    def _others(self) -> list[_Folder]:
        return [f for i, f in self.folders.items() if i != self.root and f.parent != self.root]

    def removable(self) -> list[str]:
        """Attributes that no folder beside these has, and claims that no other folder's lease needs."""
        used = {k for f in self._others() for k in f.values}
        mine = {i for i, f in self.folders.items() if f.parent == self.root}
        names = []
        for name in self.keys:
            if name.startswith(CLAIM):
                if name.removeprefix(CLAIM).rpartition(".")[0] in mine:
                    names.append(name)
            elif not self.elsewhere() and name not in used:
                names.append(name)
        return sorted(names)


class VCenterCleaning:
    """One look at a vCenter for drdeck's traces, and their removal; by no controller, and none may run."""

    def __init__(self, settings: VSphereSettings, passwords: PasswordSource, me: str, state: Path) -> None:
        """`me`: the name under which this host's controllers drive domains; `state`: their directory."""
        self._root, self._me, self._state = settings.root, me, state
        self._connect = connector(settings, passwords, OWN)
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Log in. Raises SiteUnreachable, LoginRefused."""
        self._connection = await self._connect()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def look(self) -> Leftovers:
        """Traces as they are now. Raises SiteError."""
        assert self._connection is not None
        return await self._connection.poll(self._look, "look for drdeck's attributes")

    async def remove(self) -> Leftovers:
        """Take the attributes away; returns what was there. Raises Refused where a domain is at work."""
        assert self._connection is not None
        return await self._connection.command(self._remove, "remove drdeck's attributes")

    def _look(self, session: VCenterSession) -> Leftovers:
        traces = _traces(session, self._root)
        points, vms = _points(session, traces.root)
        return self._leftovers(traces, points, vms)

    def _leftovers(self, traces: _Traces, points: int = 0, vms: int = 0) -> Leftovers:
        folders = sorted(traces.domains().values(), key=lambda f: f.name)
        return Leftovers(
            domains=tuple(_domain(folder, self._me, traces.now) for folder in folders),
            definitions=tuple(traces.removable()),
            used_elsewhere=tuple(traces.elsewhere()),
            points=points,
            points_of=vms,
        )

    def _remove(self, session: VCenterSession) -> Leftovers:
        traces = _traces(session, self._root)
        leftovers = self._leftovers(traces, *_points(session, traces.root))
        for domain in leftovers.domains:
            if domain.hindrance:
                raise Refused(f"{domain.name} {domain.hindrance}; nothing was removed")
        manager = session.content.customFieldsManager
        own = {i: f for i, f in traces.folders.items() if i == traces.root}  # runs of failover plans
        for folder_id, folder in {**traces.domains(), **own}.items():
            entity = vim.Folder(folder_id, session.stub)
            # the lease goes last: a folder without one is nobody's, and with half a record
            for name in sorted(folder.values, key=lambda name: name == LEASE):
                manager.SetField(entity=entity, key=traces.keys[name], value="")
            FolderMemory(self._state).forget(folder_id)
        for name in leftovers.definitions:
            manager.RemoveCustomFieldDef(key=traces.keys[name])
        return leftovers


def _domain(folder: _Folder, me: str, now: datetime) -> DomainLeftovers:
    says, hindrance = "", ""
    try:
        record = read({k: v for k, v in folder.values.items() if k != LEASE})
        says, hindrance = _meaning(record), _at_work(record)
    except BrokenRecord as error:
        says = str(error)
    holder = lease_holder(folder.values.get(LEASE), me, now)
    if holder is not None:
        hindrance = f"is driven by {holder}: end that controller first"
    return DomainLeftovers(
        name=folder.name, attributes=tuple(sorted(folder.values)), says=says, hindrance=hindrance
    )


def _meaning(record: Record) -> str:
    """A sentence about what nobody knows any more once the record is gone."""
    if record.owned:
        periods = f", and in which {len(record.periods)} periods no restore may end" if record.periods else ""
        return f"that it runs here in failover{periods}"
    if record.mode is not None and record.mode.mode == "cfo":
        return "that its continuous failover was started"
    return "how its last operation ended" if record != Record() else "no more than its lease"


def _at_work(record: Record) -> str:
    if record.session is not None:
        return "has a PITR session: exit it first"
    if record.completing:
        return "is being failed over: finish that first"
    return ""


def _traces(session: VCenterSession, path: str) -> _Traces:
    """Definitions and values of drdeck's attributes in all folders that this user sees."""
    root = object_id(find_root(session, path))
    content: Any = session.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.Folder], True)
    try:
        paths = {vim.Folder: ["name", "parent", "customValue"], vim.CustomFieldsManager: ["field"]}
        answer = retrieve(session, filter_spec([content.customFieldsManager, members(view)], paths))
    finally:
        view.Destroy()
    rows = {object_id(one.obj): {p.name: p.val for p in one.propSet or ()} for one in answer}
    fields = [field for row in rows.values() for field in row.get("field") or ()]
    _, attributes = attributes_from(answer)
    return _Traces(
        root,
        {str(field.name): int(field.key) for field in fields if str(field.name).startswith(PREFIX)},
        {folder: _folder(row, attributes.get(folder, {})) for folder, row in rows.items() if "name" in row},
        session.si.CurrentTime(),
    )


def _folder(row: Mapping[str, Any], attributes: Mapping[str, str]) -> _Folder:
    parent = row.get("parent")
    return _Folder(
        decode_name(str(row["name"])),
        "" if parent is None else object_id(parent),
        {name: text for name, text in attributes.items() if name.startswith(PREFIX)},
    )


def _points(session: VCenterSession, root: str) -> tuple[int, int]:
    """Numbers of drdeck's own snapshots below the root, and of the VMs that have them."""
    top = vim.Folder(root, session.stub)
    view = session.content.viewManager.CreateContainerView(top, [vim.VirtualMachine], True)
    try:
        answer = retrieve(session, filter_spec([members(view)], {vim.VirtualMachine: ["snapshot"]}))
    finally:
        view.Destroy()
    vms = [vm_facts("", {p.name: p.val for p in one.propSet or ()}) for one in answer]
    counts = [sum(map(ours, vm.snapshots)) for vm in vms]
    return sum(counts), sum(1 for count in counts if count)
