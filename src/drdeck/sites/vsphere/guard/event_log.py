"""vCenter's event log: followed beside the inventory, and read back where something was missed.

Collected for the whole datacenter: events of a VM that has just left its folder would not come by a
filter on that folder, and a backup proxy that attaches a disk is in no domain. vCenter matches an event's
own type, not those above it (API reference: EventFilterSpec.eventTypeId).
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.model.guard import THROUGH_CLIENT
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words
from drdeck.sites.vsphere.vcenter.properties import filter_spec, properties

from .event_parser import EVENT_TYPES, told_by
from .observations import LoggedObservation

_SPEC = vim.event.EventFilterSpec
PAGE = 100
"""Events that vCenter keeps for us between two looks."""
_PIECE = 500
_REMEMBERED = 5000
_OF_DISKS = ("VmReconfiguredEvent",)
"""Those that tell of a disk that was attached to some VM."""
_LOGINS = timedelta(hours=24)


class EventLog:
    """Follows the events by a collector whose page a PropertyCollector watches; any thread may ask.

    It outlives connections. `refused`: why there are no events, in vCenter's words; empty while there are.
    `missed_since`: events after this instant may have been missed, and are to be read back.
    """

    def __init__(self) -> None:
        self.refused = ""
        self.missed_since: datetime | None = None
        self.oldest: datetime | None = None
        """of the oldest event known; None: before any instant that matters"""
        self.count = 0
        """grows with each event"""
        self._lock = threading.Lock()
        self._collector: Any = None
        self._known_keys: set[int] = set()
        self._newest: datetime | None = None
        self._news: list[LoggedObservation] = []

    @property
    def following(self) -> bool:
        return self._collector is not None

    def knows(self, key: str) -> bool:
        """Tell whether the event of that key was taken already; one whose key is no number was not."""
        try:
            return int(key) in self._known_keys
        except ValueError:
            return False

    def follow(self, session: VCenterSession, datacenter: Any, collector: Any) -> None:
        """Have `collector`, a PropertyCollector, tell of events too, and take those that there are."""
        try:
            events = _create(session, datacenter, None)
            events.SetCollectorPageSize(PAGE)
            spec = filter_spec([events], {vim.event.EventHistoryCollector: ["latestPage"]})
            collector.CreateFilter(spec, True)  # True: an event that is added, not the page with it
            self._collector, self.refused = events, ""
            # not every server tells of a filter that was added while it holds back its answer
            page = properties(session, events, "latestPage").get("latestPage") or ()
            if self._newest is None and len(page) >= PAGE:
                self.oldest = min(event.createdTime for event in page)
            self._take(page, live=False)
        except (vim.fault.NotAuthenticated, vmodl.fault.ManagedObjectNotFound):
            raise  # the session has ended, and everything is made anew
        except vmodl.MethodFault as fault:
            self.refused = words(fault)

    def forget(self) -> None:
        """The collector is gone, or not wanted any more."""
        events, self._collector = self._collector, None
        if events is not None:
            with contextlib.suppress(vmodl.MethodFault):  # most likely gone with its session
                events.DestroyCollector()

    def take_page(self, objects: Mapping[str, dict[str, Any]]) -> None:
        """The page as the PropertyCollector has it now: all of it, or single events added to it.

        It is taken out of `objects`: that an event has left the page is not always told.
        """
        for raw in objects.values():
            paths = [path for path in list(raw) if path.startswith("latestPage")]
            self._take([event for path in paths for event in _list(raw.pop(path))], live=True)

    def read_back(
        self, session: VCenterSession, datacenter: Any, since: datetime, vms: Collection[str] = ()
    ) -> None:
        """Read all events since an instant, which may have been missed. Blocks.

        With `vms` those of these VMs only, wherever they are now, and of the datacenter what tells of disks
        attached elsewhere: a large vCenter has some hundred thousand tasks a day, and few edits of VMs.
        """
        try:
            events = [e for vm in vms for e in _history(session, vim.VirtualMachine(vm, session.stub), since)]
            events += _history(session, datacenter, since, _OF_DISKS if vms else EVENT_TYPES)
        except vmodl.fault.ManagedObjectNotFound:
            if not vms:
                raise
            # one was removed: only the events of the datacenter tell of it now
            events = _history(session, datacenter, since)
        self._take(events, live=False)
        self.missed_since = None
        if self.oldest is not None:
            self.oldest = min(self.oldest, since)

    def news(self) -> list[LoggedObservation]:
        """Observations since this was asked last, in their order."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def _take(self, page: Iterable[Any], live: bool) -> None:
        with self._lock:
            events = sorted((e for e in page if int(e.key) not in self._known_keys), key=lambda e: int(e.key))
            if live and len(events) >= PAGE and self._newest is not None and self.missed_since is None:
                self.missed_since = self._newest  # none of the page was known: there may have been more
            for event in events:
                self._known_keys.add(int(event.key))
                self._news += [LoggedObservation(o, live) for o in told_by(event)]
                self._newest = max(self._newest or event.createdTime, event.createdTime)
            self.count += len(events)
            if len(self._known_keys) > 2 * _REMEMBERED:
                self._known_keys = set(sorted(self._known_keys)[-_REMEMBERED:])


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _create(
    session: VCenterSession, entity: Any, since: datetime | None, types: Iterable[str] = EVENT_TYPES
) -> Any:
    spec = _SPEC(
        entity=_SPEC.ByEntity(entity=entity, recursion=_SPEC.RecursionOption.all),
        eventTypeId=list(types),
    )
    if since is not None:
        spec.time = _SPEC.ByTime(beginTime=since)
    return session.content.eventManager.CreateCollectorForEvents(spec)


def _history(
    session: VCenterSession, entity: Any, since: datetime, types: Iterable[str] = EVENT_TYPES
) -> list[Any]:
    """All events of an entity and below since an instant; some may be older. Blocks."""
    events = _create(session, entity, since, types)
    try:
        events.SetCollectorPageSize(1000)
        events.RewindCollector()
        by_key: dict[int, Any] = {}
        while True:
            piece = events.ReadNextEvents(_PIECE) or ()
            fresh = {int(event.key): event for event in piece if int(event.key) not in by_key}
            if not fresh:
                break
            by_key |= fresh
    finally:
        with contextlib.suppress(Exception):  # it goes with the session at the latest
            events.DestroyCollector()
    return list(by_key.values())


def addresses(session: VCenterSession, user: str, at: datetime, own: frozenset[str]) -> tuple[str, ...]:
    """From where an account was logged in at an instant, sessions of ours (their keys) left out. Blocks.

    VM events have no address; that of the login has. Several are told where an account is used
    from several places.
    """
    spec = _SPEC(
        userName=_SPEC.ByUsername(systemUser=False, userList=[user]),
        time=_SPEC.ByTime(beginTime=at - _LOGINS),
        eventTypeId=["UserLoginSessionEvent", "UserLogoutSessionEvent"],
        maxCount=1000,
    )
    open_: dict[str, str] = {}
    for event in sorted(session.content.eventManager.QueryEvents(spec) or (), key=lambda e: int(e.key)):
        if event.userName != user or event.createdTime > at or event.sessionId in own:
            continue
        if isinstance(event, vim.event.UserLoginSessionEvent):
            open_[str(event.sessionId)] = str(event.ipAddress or "")
        elif isinstance(event, vim.event.UserLogoutSessionEvent):
            open_.pop(str(event.sessionId), None)
    origins = list(open_.values()) or _logged_in(session, user, at, own)
    server = session.endpoint.server.rpartition(":")[0] or session.endpoint.server
    return tuple(dict.fromkeys(_origin(address, server) for address in origins if address))


def _origin(address: str, server: str) -> str:
    """An address that may be a person's, or what stands for one that is not.

    The vSphere Client runs on vCenter itself and logs in from there: its sessions have vCenter's address, or
    that of a proxy before it (VMware, "vSphere Authentication": sessions of the client).
    """
    try:
        own = ipaddress.ip_address(address).is_loopback
    except ValueError:
        own = False
    return THROUGH_CLIENT if own or address == server else address


def _logged_in(session: VCenterSession, user: str, at: datetime, own: frozenset[str]) -> list[str]:
    """The same from the list of sessions, which not every account may read."""
    sessions = properties(session, session.content.sessionManager, "sessionList").get("sessionList") or ()
    return [
        str(s.ipAddress or "")
        for s in sessions
        if s.userName == user and s.loginTime <= at and s.key not in own
    ]
