"""Privileges of the site's user, before an action is begun and for the doctor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence

from pyVmomi import vim

from drdeck.config.settings import VSphereSettings
from drdeck.model import commands as c
from drdeck.model.alarms import Finding
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState, network_ids
from drdeck.sites.vsphere.protected_site import ProtectedVCenter
from drdeck.sites.vsphere.record.leases.definitions import all_defined
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

from . import privileges as p
from .privileges import MissingPrivilege, Place, joined, lacks, lacks_what, root_of

TAKING_OVER = p.Need(p.MANAGE_FIELDS, p.VCENTER, (p.TAKE_OVER,))
Required = list[tuple[p.Need, list[Place]]]
ROOT = "root"


class PrivilegeCheck:
    """Asks the vCenters of one site: a call each, and another one for each further 500 VMs."""

    def __init__(
        self,
        settings: VSphereSettings,
        connected: Callable[[], Connection],
        side: ProtectedVCenter | None,
        me: str,
        datacenter: Callable[[], str],
    ) -> None:
        """`me`: the name under which this controller drives domains; `datacenter` gives the id of the one
        that the root folder is in."""
        self._settings, self._connected, self._side, self._me = settings, connected, side, me
        self._datacenter = datacenter

    async def lacking(
        self, command: c.AnyCommand, folder: FolderFacts, s: DomainState, inventory: Inventory
    ) -> str | None:
        """Privileges missing for all that a command leads to, in a sentence. Raises SiteError."""
        mapping = c.StartContinuousFailover | c.BeginCompletion | c.MapNetworks
        names = command.networks if isinstance(command, mapping) else {}
        targets = p.moved(s, network_ids(inventory, names))
        needs = p.needs(p.actions_of(command, bool(targets), s.settings.start_protected))
        networks = [_network(inventory, i) for i in targets]
        missing = await self._ask(self._connected(), self._required(needs, folder, s, networks))
        if not isinstance(command, c.TakeOver):
            missing = await self._but_definitions(missing, [folder])
        clauses = [lacks_what(self._settings.username, missing)] if missing else []
        there = self._required_there(needs, [s.name])
        if there and self._side is not None:
            # an undo goes on without a site that does not answer: it starts what it sees there
            needed = not isinstance(command, c.UndoFailover)
            clauses += await self._lacking_there(self._side, there, needed)
        if not clauses:
            return None
        remedy = "nothing was begun; have that granted (drdeck doctor lists all) and ask again"
        return f"{'; '.join(clauses)}; {remedy}"

    async def _but_definitions(
        self, missing: list[MissingPrivilege], folders: Sequence[FolderFacts]
    ) -> list[MissingPrivilege]:
        """Missing privileges, but the one to define attributes where all are defined for these domains."""
        if not any(lack.need.privilege == p.MANAGE_FIELDS for lack in missing):
            return missing
        ids = [folder.id for folder in folders]
        defined = await self._connected().command(
            lambda session: all_defined(session, ids, self._me), "see which attributes are defined"
        )
        return [lack for lack in missing if not defined or lack.need.privilege != p.MANAGE_FIELDS]

    async def _lacking_there(self, side: ProtectedVCenter, required: Required, needed: bool) -> list[str]:
        """While a Force Failover of another domain goes on it is looked at for this only; `needed`: a site
        that does not answer is told."""
        assert self._settings.protected is not None
        user = self._settings.protected.username
        async with contextlib.nullcontext("") if side.connection else side.looked_at() as lost:
            if side.connection is None:
                return [f"what {user} may do at the protected site cannot be told ({lost})"] if needed else []
            missing = await self._ask(side.connection, required)
        return [lacks_what(user, missing)] if missing else []

    async def findings(
        self, domains: Sequence[tuple[FolderFacts, DomainState]], inventory: Inventory
    ) -> list[Finding]:
        """A line for each missing privilege, with what would be refused for it; never raises SiteError."""
        settings = self._settings
        planned = settings.protected is not None
        required: Required = []
        for folder, s in domains:
            targets = [_network(inventory, i) for i in p.moved(s, {})]
            required += self._required(p.needs(p.possible([s], planned)), folder, s, targets)
        # a folder that is made later has what the root gives it
        every = p.needs(p.possible([s for _, s in domains], planned))
        root = Place(vim.Folder, inventory.root.id, settings.root, True)
        required += [(n._replace(on=ROOT), [root]) for n in every if n.on in (p.FOLDER, p.DOMAIN)]
        required += [(n, []) for n in (*every, *p.OPTIONAL) if n.on in (p.VCENTER, p.DATACENTER)]
        there = self._required_there(every, [folder.name for folder, _ in domains])
        there += [(p.END_STALE, [])] if there else []
        folders = [folder for folder, _ in domains]
        results = await self._findings_of("privileges", settings.username, self._connected, required, folders)
        side = self._side
        if there and side is not None and settings.protected is not None:
            results += await self._findings_of(
                "protected privileges", settings.protected.username, lambda: side.connection, there
            )
        return results

    async def _findings_of(
        self,
        subject: str,
        user: str,
        connected: Callable[[], Connection | None],
        required: Required,
        folders: Sequence[FolderFacts] = (),
    ) -> list[Finding]:
        try:
            connection = connected()
            if connection is None:
                return []  # that it is out of reach is told by another line
            missing = joined(await self._ask(connection, required))
            if folders and len(await self._but_definitions(missing, folders)) < len(missing):
                missing = [_only_taking_over(lack) for lack in missing]
        except SiteError as error:
            return [Finding.warn(subject, f"could not be checked: {error}")]
        below = {lack.need.privilege for lack in missing if lack.need.on != ROOT}
        real = [lack for lack in missing if lack.need.on != ROOT or lack.need.privilege not in below]
        lines = [_finding(subject, user, lack) for lack in real]
        if all(lack.need in (*p.OPTIONAL, TAKING_OVER) for lack in real):
            lines.insert(0, _all_there(subject, user, required))
        return lines

    async def _ask(self, connection: Connection, required: Required) -> list[MissingPrivilege]:
        if not required:
            return []

        def ask(session: VCenterSession) -> list[MissingPrivilege]:
            places = {p.VCENTER: [root_of(session)]}
            if any(need.on == p.DATACENTER for need, _ in required):
                places[p.DATACENTER] = [p.datacenter_place(session, self._datacenter())]
            return lacks(session, [(need, places.get(need.on, where)) for need, where in required])

        return await connection.command(ask, "tell what drdeck's user may do")

    def _required(
        self, needs: Iterable[p.Need], folder: FolderFacts, s: DomainState, networks: list[Place]
    ) -> Required:
        own = Place(vim.Folder, folder.id, f"{self._settings.root.rstrip('/')}/{folder.name}", True)
        where = {
            p.VCENTER: [],
            p.FOLDER: [own],
            p.DOMAIN: [own, *_places(s.vms)],
            p.NETWORK: networks,
        }
        return [(need, where[need.on]) for need in needs if need.on in where]

    def _required_there(self, needs: Iterable[p.Need], names: Iterable[str]) -> Required:
        """The same at the protected site, as far as it is seen."""
        inventory = self._side.inventory if self._side is not None else None
        if inventory is None or self._settings.protected is None:
            return []
        root, places = self._settings.protected.root.rstrip("/"), list[Place]()
        for folder in inventory.domains:
            if folder.name in set(names):
                places.append(Place(vim.Folder, folder.id, f"{root}/{folder.name}", True))
                places += _places(inventory.vms_of(folder.id))
        return [(need, places) for need in needs if need.on == p.PROTECTED and places]


def _only_taking_over(lack: MissingPrivilege) -> MissingPrivilege:
    return lack._replace(need=TAKING_OVER) if lack.need.privilege == p.MANAGE_FIELDS else lack


def _places(vms: Iterable[VmFacts]) -> list[Place]:
    return [Place(vim.VirtualMachine, vm.id, vm.name) for vm in vms]


def _network(inventory: Inventory, ident: str) -> Place:
    network = inventory.networks.get(ident)
    return p.network_place(ident, network.name if network else ident)


def _finding(subject: str, user: str, lack: MissingPrivilege) -> Finding:
    need, where = lack.need, lack.where()
    if need.on == ROOT:
        return Finding.warn(
            subject,
            f"{user} lacks {need.privilege} on {where}: a domain folder made later would be without it",
            f"grant {need.privilege} on {where}, propagating",
        )
    if need == p.END_STALE:
        return Finding.warn(
            subject,
            f"{user} lacks {need.privilege} on {where}: the sessions of a controller that was killed"
            " cannot be ended, and what it had asked for may be carried out late",
            f"grant {need.privilege} on {where}, for the next controller to end them",
        )
    if need == p.TELL:
        return Finding.warn(
            subject,
            f"{user} lacks {need.privilege} on {where}: vCenter's events do not tell what drdeck does",
            f"grant {need.privilege} on {where}, for colleagues to see it in their client",
        )
    if need == TAKING_OVER:
        return Finding.warn(
            subject,
            f"{user} lacks {need.privilege} on {where}: all is defined for this controller, but it could not"
            " take a domain over that another one drove, nor drive a domain folder that is made later",
            f"grant {need.privilege} on {where}, or have `drdeck doctor --define` run again then",
        )
    actions, below = ", ".join(need.actions), need.on in (p.DOMAIN, p.PROTECTED)
    return Finding.fail(
        subject,
        f"{user} lacks {need.privilege} on {where}: {actions} would be refused",
        f"grant {need.privilege} on {where}"
        + (", propagating to the VMs in it" if below and lack.places[0].main else ""),
    )


def _all_there(subject: str, user: str, required: Required) -> Finding:
    privileges = {need.privilege for need, _ in required if need not in p.OPTIONAL}
    places = {place for _, where in required for place in where}
    count = "the one privilege" if len(privileges) == 1 else f"all {len(privileges)} privileges"
    text = f"{user} has {count} that drdeck needs, on {len(places)} objects"
    return Finding.ok(subject, text)
