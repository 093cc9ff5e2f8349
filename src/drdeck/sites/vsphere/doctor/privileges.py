"""Privileges: which each action needs, and where; and vCenter asked which of them the site's user lacks.

The privileges of the single calls are those that the vSphere Web Services API names for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from drdeck.model import commands as c
from drdeck.model.domains import FailoverType
from drdeck.model.text import some
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id, properties

POWER_ON = "VirtualMachine.Interact.PowerOn"
POWER_OFF = "VirtualMachine.Interact.PowerOff"
CREATE_SNAPSHOT = "VirtualMachine.State.CreateSnapshot"
REVERT = "VirtualMachine.State.RevertToSnapshot"
REMOVE_SNAPSHOT = "VirtualMachine.State.RemoveSnapshot"
EDIT_DEVICE = "VirtualMachine.Config.EditDevice"
ASSIGN = "Network.Assign"
SET_FIELD = "Global.SetCustomField"
MANAGE_FIELDS = "Global.ManageCustomFields"
TERMINATE = "Sessions.TerminateSession"
LOG_EVENT = "Global.LogEvent"

VCENTER, FOLDER, DOMAIN, NETWORK, PROTECTED = "vcenter", "folder", "domain", "network", "protected"
DATACENTER = "datacenter"
"""Where a privilege is wanted: at the vCenter itself, its datacenter, on a domain's folder, on that and its
VMs, on a recovery network, on the domain's folder and VMs at the protected site."""


class Need(NamedTuple):
    """One privilege, where, and for which actions, in the words of the menus."""

    privilege: str
    on: str
    actions: tuple[str, ...]


_START, _COMPLETE, _PLANNED = "Continuous Failover", "Failover", "Planned Failover"
_MAPPED, _WITH_PITR = "Failover to other networks", "Failover with Run PITR"
_SESSION, _RUN, _EXIT = "Start PITR Session", "Run PITR", "Exit PITR Session"
_RUN_MAPPED = "Run PITR on other networks"
"""A revert takes the cards back to the networks of the snapshot, so that they are mapped again."""
_UNDO, _COMMIT, _RELEASE = "Undo Failover", "Commit Failover", "Release Domain"
_UNDO_THERE = "Undo Failover with start_protected"
TAKE_OVER, _POINTS = "Take Over", "restore points at each interval"

_ALL_OF_THE_RECORD = (_START, _COMPLETE, _SESSION, _RUN, _EXIT, TAKE_OVER, _UNDO, _COMMIT, _RELEASE)
LEAST: tuple[Need, ...] = (
    Need(SET_FIELD, FOLDER, _ALL_OF_THE_RECORD),
    Need(MANAGE_FIELDS, VCENTER, _ALL_OF_THE_RECORD),
    Need(POWER_ON, DOMAIN, (_COMPLETE, _SESSION, _RUN)),
    Need(EDIT_DEVICE, DOMAIN, (_MAPPED, _RUN_MAPPED)),
    Need(ASSIGN, NETWORK, (_MAPPED, _RUN_MAPPED)),
    Need(POWER_OFF, DOMAIN, (_WITH_PITR, _SESSION, _RUN, _UNDO)),
    Need(CREATE_SNAPSHOT, DOMAIN, (_WITH_PITR, _SESSION, _POINTS)),
    Need(REVERT, DOMAIN, (_WITH_PITR, _SESSION, _RUN, _UNDO)),
    Need(REMOVE_SNAPSHOT, DOMAIN, (_WITH_PITR, _SESSION, _EXIT, _POINTS, _UNDO, _COMMIT, _RELEASE)),
    Need(POWER_OFF, PROTECTED, (_PLANNED,)),
    Need(POWER_ON, PROTECTED, (_UNDO_THERE,)),
)
"""The least that drdeck needs beside reading. A session is begun only by who may also roll back and
leave it, so a failover that leads to one wants its privileges from the start."""

END_STALE = Need(TERMINATE, VCENTER, ())
"""Nothing needs it, at either site: with it nothing lands late that a killed controller asked for."""


TELL = Need(LOG_EVENT, DATACENTER, ())
"""Nothing needs it: with it vCenter's own events tell colleagues what drdeck does."""
OPTIONAL = (END_STALE, TELL)


def actions_of(command: c.AnyCommand, moves: bool, starts_there: bool = False) -> tuple[str, ...]:
    """Acts that a command leads to, as LEAST calls them; `moves`: it connects VMs to other networks;
    `starts_there`: an undo starts the protected VMs."""
    match command:
        case c.StartContinuousFailover():
            return (_START,)
        case c.BeginCompletion():
            planned = command.type is FailoverType.PLANNED
            more = ((_MAPPED, moves), (_WITH_PITR, command.run_pitr), (_PLANNED, planned))
            return (_COMPLETE, *(action for action, wanted in more if wanted))
        case c.MapNetworks():
            return (_START, _MAPPED) if moves else (_START,)
        case c.StartSession():
            return (_SESSION, _RUN_MAPPED) if moves else (_SESSION,)
        case c.MakeEntryPoints():
            return (_SESSION,)
        case c.RollBack():
            return (_RUN, _RUN_MAPPED) if moves else (_RUN,)
        case c.ExitSession():
            return (_EXIT,)
        case c.UndoFailover():
            return (_UNDO, _UNDO_THERE) if starts_there else (_UNDO,)
        case c.CommitFailover():
            return (_COMMIT,)
        case c.ReleaseDomain():
            return (_RELEASE,)
        case (
            c.TakeOver()
            | c.WriteRecordBack()
            | c.RestoreDomain()
            | c.CancelRelease()
            | c.CancelContinuousFailover()
        ):
            return (TAKE_OVER,)
        case _:
            return ()  # a step of what was accepted: refusing it now would leave that half done


def needs(actions: Sequence[str]) -> tuple[Need, ...]:
    """Needs in LEAST of these actions, with only them named."""
    needed = []
    for need in LEAST:
        named = tuple(action for action in need.actions if action in actions)
        if named:
            needed.append(need._replace(actions=named))
    return tuple(needed)


def possible(domain_states: Sequence[DomainState], protected: bool) -> tuple[str, ...]:
    """The actions that these domains may ever come to, by their settings."""
    pitr = any(s.settings.pitr.enabled for s in domain_states)
    actions = [_START, _COMPLETE, _MAPPED, TAKE_OVER, _UNDO, _COMMIT, _RELEASE]
    if pitr:
        actions += [_WITH_PITR, _SESSION, _RUN, _RUN_MAPPED, _EXIT, _POINTS]
    if protected and any(s.settings.start_protected for s in domain_states):
        actions.append(_UNDO_THERE)
    return (*actions, _PLANNED) if protected else tuple(actions)


def moved(s: DomainState, networks: dict[str, str]) -> tuple[str, ...]:
    """Ids of the networks that VMs would be connected to with this mapping (ids) and the one on record.

    Once the domain is owned here, all of the mapping counts: rollbacks take cards back to where they were.
    """
    mapping = {**s.record.networks, **networks}
    used = {*mapping} if s.record.owned else {network for vm in s.vms for network in vm.networks}
    others = {s.others_to} if s.others_to else set()
    return tuple(sorted({to for source, to in mapping.items() if source in used and to != source} | others))


READ = "System.Read"
CALL = 500
"""Objects asked about in one call."""


class Place(NamedTuple):
    """An object of the vCenter and what to call it. `main`: it stands for those that are in it."""

    kind: type[Any]
    id: str
    name: str
    main: bool = False


class MissingPrivilege(NamedTuple):
    """A privilege that is missing, and where."""

    need: Need
    places: tuple[Place, ...]

    def where(self, most: int = 3) -> str:
        """Folders by path; VMs only where the folder has the privilege and they have it not."""
        main = [place.name for place in self.places if place.main]
        names = main or [place.name for place in self.places]
        return some(names, most)


def datacenter_place(session: VCenterSession, ident: str) -> Place:
    """A datacenter, by its id, with its name."""
    name = properties(session, vim.Datacenter(ident, session.stub), "name").get("name", "")
    return Place(vim.Datacenter, ident, f"datacenter {name}", True)


def network_place(ident: str, name: str, propagate: bool = False) -> Place:
    """A network, by its id, as a place where a privilege is wanted."""
    kind = vim.dvs.DistributedVirtualPortgroup if ident.startswith("dvportgroup-") else vim.Network
    return Place(kind, ident, f"network {name}", propagate)


def root_of(session: VCenterSession) -> Place:
    """The vCenter itself, where privileges about all of it are."""
    root: Any = session.content.rootFolder
    return Place(vim.Folder, object_id(root), f"vCenter {session.endpoint.server} itself", True)


def lacks(
    session: VCenterSession, required: Iterable[tuple[Need, Sequence[Place]]]
) -> list[MissingPrivilege]:
    """Privileges that are missing, each with those of its places. Blocks: a call for 500 objects.

    Raises what pyVmomi raises, and Refused for an answer that says nothing.
    """
    pairs = [(need, tuple(places)) for need, places in required]
    places = list(dict.fromkeys(place for _, where in pairs for place in where))
    privileges = list(dict.fromkeys(need.privilege for need, _ in pairs))
    granted: dict[str, set[str]] = {}
    for start in range(0, len(places), CALL):
        granted |= _granted(session, places[start : start + CALL], privileges)
    lacking = []
    for need, where in pairs:
        missing = tuple(place for place in where if need.privilege not in granted[place.id])
        if missing:
            lacking.append(MissingPrivilege(need, missing))
    return lacking


def _granted(
    session: VCenterSession, places: Sequence[Place], privileges: Sequence[str]
) -> dict[str, set[str]]:
    """Object id -> those of the privileges that are granted on it; none where it may not even be read."""
    granted: dict[str, set[str]] = {}
    left = {place.id: place.kind(place.id, session.stub) for place in places}
    manager = session.content.authorizationManager
    while left:
        key = session.key
        try:
            answer = manager.HasPrivilegeOnEntities(
                entity=list(left.values()), sessionId=key, privId=list(privileges)
            )
        except vim.fault.NoPermission as fault:
            unreadable = object_id(fault.object) if fault.object is not None else ""
            if unreadable not in left:
                raise
            granted[unreadable] = set()
            del left[unreadable]
            continue
        except vmodl.MethodFault:
            if session.key == key:
                raise
            continue
        if session.key != key:
            continue  # the session had ended, and it was the one asked about
        answers = {object_id(a.entity): a.privAvailability or () for a in answer or ()}
        if not left.keys() <= answers.keys():
            raise Refused(f"vCenter {session.endpoint.server} does not say what its user may do")
        granted |= {at: {p.privId for p in answers[at] if p.isGranted} for at in left}
        break
    return granted


def lacks_what(user: str, lacking: Sequence[MissingPrivilege]) -> str:
    """The missing privileges, in a clause."""
    return f"{user} lacks " + ", ".join(f"{lack.need.privilege} on {lack.where()}" for lack in lacking)


def joined(lacking: Iterable[MissingPrivilege]) -> list[MissingPrivilege]:
    """One for each privilege and kind of place, whatever the number of domains."""
    together: dict[tuple[str, str], MissingPrivilege] = {}
    for lack in lacking:
        key = (lack.need.privilege, lack.need.on)
        earlier = together.get(key)
        places = dict.fromkeys([*(earlier.places if earlier else ()), *lack.places])
        actions = dict.fromkeys([*(earlier.need.actions if earlier else ()), *lack.need.actions])
        together[key] = MissingPrivilege(lack.need._replace(actions=tuple(actions)), tuple(places))
    return list(together.values())
