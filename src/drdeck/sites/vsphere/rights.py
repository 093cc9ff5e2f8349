"""What the site's user may do: HasPrivilegeOnEntities, few calls whatever the number of VMs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.site import Refused
from drdeck.sites.vsphere.retrieve import object_id

from .connection import Session
from .privileges import Need

READ = "System.Read"
CALL = 500
"""Objects asked about in one call."""


class Place(NamedTuple):
    """An object of the vCenter and what to call it. `main`: it stands for those that are in it."""

    kind: type[Any]
    id: str
    name: str
    main: bool = False


class Lack(NamedTuple):
    """A privilege that is missing, and where."""

    need: Need
    places: tuple[Place, ...]

    def where(self, most: int = 3) -> str:
        """Folders by path; VMs only where the folder has the privilege and they have it not."""
        main = [place.name for place in self.places if place.main]
        names = main or [place.name for place in self.places]
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return ", ".join(names[:most]) + more


def root_of(session: Session) -> Place:
    """The vCenter itself, where privileges about all of it are."""
    root: Any = session.content.rootFolder
    return Place(vim.Folder, object_id(root), f"vCenter {session.endpoint.server} itself", True)


def lacks(session: Session, wanted: Iterable[tuple[Need, Sequence[Place]]]) -> list[Lack]:
    """Which of some privileges are missing on which of their places. Blocks: a call for 500 objects.

    Raises what pyVmomi raises, and Refused for an answer that says nothing.
    """
    pairs = [(need, tuple(places)) for need, places in wanted]
    places = list(dict.fromkeys(place for _, found in pairs for place in found))
    privileges = list(dict.fromkeys(need.privilege for need, _ in pairs))
    granted: dict[str, set[str]] = {}
    for start in range(0, len(places), CALL):
        granted |= _granted(session, places[start : start + CALL], privileges)
    found = []
    for need, where in pairs:
        missing = tuple(place for place in where if need.privilege not in granted[place.id])
        if missing:
            found.append(Lack(need, missing))
    return found


def _granted(session: Session, places: Sequence[Place], privileges: Sequence[str]) -> dict[str, set[str]]:
    """Object id -> those of the privileges that are granted on it; none where it may not even be read."""
    granted: dict[str, set[str]] = {}
    left = {place.id: place.kind(place.id, session.stub) for place in places}
    manager = session.content.authorizationManager
    key = session.content.sessionManager.currentSession.key
    while left:
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
        told = {object_id(one.entity): one.privAvailability or () for one in answer or ()}
        if not left.keys() <= told.keys():
            raise Refused(f"vCenter {session.endpoint.server} does not say what its user may do")
        granted |= {at: {p.privId for p in told[at] if p.isGranted} for at in left}
        break
    return granted


def lacks_what(user: str, found: Sequence[Lack]) -> str:
    """What is missing, in a clause."""
    return f"{user} lacks " + ", ".join(f"{lack.need.privilege} on {lack.where()}" for lack in found)


def joined(found: Iterable[Lack]) -> list[Lack]:
    """One for each privilege and kind of place, whatever the number of domains."""
    together: dict[tuple[str, str], Lack] = {}
    for lack in found:
        key = (lack.need.privilege, lack.need.on)
        known = together.get(key)
        places = dict.fromkeys([*(known.places if known else ()), *lack.places])
        acts = dict.fromkeys([*(known.need.acts if known else ()), *lack.need.acts])
        together[key] = Lack(lack.need._replace(acts=tuple(acts)), tuple(places))
    return list(together.values())
