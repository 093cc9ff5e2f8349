"""Lease of a domain: one controller drives it at a time, decided by something that vCenter makes atomic.

A claim is a custom field definition named "drdeck.lease.FOLDER.N": vCenter refuses a second one of the
same name, so of any number of controllers exactly one gets claim N. The highest N rules. Who that is,
and until when, stands in the folder's attribute `drdeck.lease` for all to read; by vCenter's clock.

Why so: SetField has no compare-and-set, the last writer wins unseen; AddCustomFieldDef ends with
DuplicateName for a name that is there (API reference: CustomFieldsManager). The clocks of jump hosts
differ, CurrentTime is one for all. vCenter stores an event for each SetField, keeps it for 30 days, and
passes it on to whatever collects its events (CustomFieldValueChangedEvent): a lease
is renewed once a third of it is over, not with each call. While nothing goes on in a session it is long, and
renewed two minutes before its end: 96 times a day.

Definitions want Global.ManageCustomFields at the root, so a holder needs none: its own claim is taken up
again, also after its time was over, by writing the value and then looking. Whoever claims it writes a
definition and then looks. Of two that write and then look at least one sees the other, and draws back:
two never hold it, and it may happen that for a moment neither does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.record.attribute_names import LEASE, MAX_VALUE
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, read_attributes
from drdeck.sites.vsphere.vcenter.transport import steady

from .lease_record import THIS_PROCESS, LeaseReading, LeaseRecord, ProcessMark, holder_words, parse, second

log = logging.getLogger(__name__)

CLAIM = LEASE + "."
LENGTH_S = 30.0
"""How long a holder that says nothing more is believed to be at work."""
QUIET_S = 1020.0
"""The same while nothing goes on in a session; four renewals an hour, each an event in vCenter."""
MARGIN_S = 120.0
"""Before the end of a long lease, in which it is renewed; a vCenter that pauses takes less."""


ReadFields = Callable[[VCenterSession, Collection[str]], tuple[dict[str, int], dict[str, dict[int, str]]]]


class HeldElsewhere(Refused):
    """Another controller drives the domain."""


class _HeldLease(NamedTuple):
    claim: int
    since: datetime
    until: float
    """as `steady` counts"""


class Leases:
    """The leases of one controller. `hold` blocks, and is called in the thread of each changing call.

    `silent`, called with a session and a holder's name, tells whether that holder is gone for certain,
    although its time is not over.
    """

    def __init__(
        self,
        me: str,
        now: Callable[[], datetime],
        length_s: float = LENGTH_S,
        mark: ProcessMark = THIS_PROCESS,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.me, self._now, self.length_s, self._mark = me, now, length_s, mark
        self.quiet_s = max(length_s, quiet_s)
        self.on_taken: Callable[[VCenterSession, str, bool], None] = lambda session, holder, force: None
        """told, in the thread of `hold`, from which other holder a domain was taken, and whether by force"""
        self.silent: Callable[[VCenterSession, str], bool] = lambda session, holder: False
        self.read_fields: ReadFields = read_fields
        """reads definitions and a folder's values: its record comes with its lease"""
        self._leases: dict[str, _HeldLease] = {}
        self._since: dict[str, datetime] = {}
        self._users: dict[str, tuple[str, ...]] = {}
        self._unnamed: dict[tuple[str, int], float] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._key: int | None = None
        self._guard = threading.Lock()

    def holds(self, folder: str) -> bool:
        """True if this controller held the domain when it last looked, and its time is not over."""
        own = self._leases.get(folder)
        return own is not None and steady() < own.until

    def accounts(self, folder: str) -> tuple[str, ...]:
        """The vCenter accounts of those who drive and drove a domain, as they were when it was held last."""
        return self._users.get(folder, ())

    def since(self, folder: str) -> datetime | None:
        """Since when this process drives the domain: all that was asked in the name of a holder before it,
        or of a process before it, was asked earlier. None while it does not hold it."""
        return self._since.get(folder) if self.holds(folder) else None

    def tiring(self, folder: str, quiet: bool = False) -> bool:
        """True if a lease of ours wants to be renewed."""
        own = self._leases.get(folder)
        return own is not None and own.until - steady() < self._least_s(quiet)

    def _length_s(self, quiet: bool) -> float:
        return self.quiet_s if quiet else self.length_s

    def _least_s(self, quiet: bool) -> float:
        """So much is left when a lease is renewed."""
        return min(self._length_s(quiet) * 2 / 3, MARGIN_S)

    def hold(self, session: VCenterSession, folder: str, force: bool = False, quiet: bool = False) -> float:
        """Be the holder of a domain, or go on being it; until when, as `steady` counts. Raises HeldElsewhere
        when somebody else is.

        Looks at vCenter each time, so that a process that was stopped for a while learns what it missed; a
        `quiet` renewal in time at the value only, without the definitions of all claims.
        `force` takes the lease from a holder whose time is not over. `quiet`: nothing goes on there, so that
        few words do; what goes on later has a short lease again, for another is to follow soon.
        """
        with self._guard:
            lock = self._locks.setdefault(folder, threading.Lock())
        with lock:
            own = self._leases.get(folder)
            reading = (
                self._own_value(session, folder, own) if own is not None and quiet and not force else None
            )
            if reading is None:
                reading = self.read(session, folder)
            before = reading.value.users if reading.value is not None else ()
            self._users[folder] = tuple(dict.fromkeys([session.user, *before]))
            value, clock, length_s = reading.value, steady(), self._length_s(quiet)
            if own is not None and value is not None and self._by_twin(value):
                self._mark.doubled = True  # from here on nothing of this name is taken for ours
                log.error("%s is driven by another process under the name of this one", folder)
                self._leases.pop(folder)
                own = None
            if own is not None and reading.top == own.claim:
                named, left_s = value is not None and value.g == own.claim, own.until - clock
                if not named or not self._least_s(quiet) <= left_s <= length_s:
                    self._renew(session, folder, own, length_s)
            elif own is None and value is not None and self._left_by_us(value) and value.g == reading.top:
                # ours from before a restart: of one name only one process runs at a time
                left_s = (value.until - self._now()).total_seconds()
                self._renew(session, folder, _HeldLease(value.g, value.since, clock + left_s), length_s)
            else:
                self._leases.pop(folder, None)
                self._since.pop(folder, None)
                if not force:
                    self._wait_for_others(session, folder, reading)
                self._claim(session, folder, reading, force, length_s)
                if value is not None and value.by != self.me:
                    self.on_taken(session, value.by, force)
            self._since.setdefault(folder, self._now())  # now that the holder before has no say any more
            return self._leases[folder].until

    def _by_twin(self, value: LeaseRecord) -> bool:
        """True for a lease that another process wrote under this one's name, while this one was at work."""
        return value.by == self.me and value.process not in ("", self._mark.text)

    def _left_by_us(self, value: LeaseRecord) -> bool:
        return value.by == self.me and self._mark.wrote(value, self._now())

    def release(self, session: VCenterSession, folder: str) -> None:
        """Let the next one have it at once."""
        own = self._leases.pop(folder, None)
        self._since.pop(folder, None)
        if own is not None:
            now = self._now()
            log.debug("lease %d of %s released", own.claim, folder)
            self._tell(session, folder, self._record(folder, own.claim, own.since, now))

    def _record(self, folder: str, claim: int, since: datetime, until: datetime) -> LeaseRecord:
        """The value to write: with as many accounts as there is room for."""
        users = self._users.get(folder, ())
        while True:
            record = LeaseRecord(
                by=self.me, g=claim, since=since, until=until, users=users, process=self._mark.text
            )
            if not users or len(msgspec.json.encode(record).decode()) <= MAX_VALUE:
                return record
            users = users[:-1]

    def _live(self, value: LeaseRecord | None) -> bool:
        """True for a lease of another whose time is not over."""
        return value is not None and value.until > self._now() and not self._left_by_us(value)

    def _wait_for_others(self, session: VCenterSession, folder: str, reading: LeaseReading) -> None:
        value = reading.value
        live = value is not None and value.g == reading.top and self._live(value)
        if value is not None and live and not self.silent(session, value.by):
            log.debug("lease %d of %s is held by %s until %s", value.g, folder, value.by, value.until)
            raise HeldElsewhere(
                f"this domain is driven by {holder_words(value.by, self.me)} since {second(value.since)};"
                f" it can be taken over from {second(value.until)} on, or now on your word"
            )
        if reading.top and (value is None or value.g != reading.top):
            # claimed, but the name is not there yet: give that controller the time to write it
            first = self._unnamed.get((folder, reading.top), steady())
            self._unnamed = {known: s for known, s in self._unnamed.items() if known[0] != folder}
            self._unnamed[folder, reading.top] = first
            if steady() - first < self.length_s:
                raise HeldElsewhere(
                    "another controller has just taken this domain over; look again in a moment"
                )

    def _claim(
        self, session: VCenterSession, folder: str, reading: LeaseReading, force: bool, length_s: float
    ) -> None:
        number, sent = reading.top + 1, steady()
        manager = session.content.customFieldsManager
        try:
            field = manager.AddFieldDefinition(name=f"{CLAIM}{folder}.{number}", moType=vim.Folder)
        except vim.fault.DuplicateName:
            raise _lost() from None
        after = self.read(session, folder)
        renewed = after.value != reading.value and self._live(after.value)
        if after.top != number or (renewed and not force):
            # we slept since we looked: others have claimed this number, and higher ones, and tidied it away;
            # or who had it before has taken it up again
            manager.RemoveCustomFieldDef(key=field.key)
            raise _lost()
        # ours from here on, also when writing the name fails: else we would take us for somebody else
        own = self._leases[folder] = _HeldLease(number, self._now(), sent + length_s)
        log.debug("lease %d of %s taken", number, folder)
        self._write(session, folder, own, length_s)
        for key in reading.claims.values():
            with contextlib.suppress(vmodl.MethodFault):  # an old claim rules nothing; another may tidy it
                manager.RemoveCustomFieldDef(key=key)

    def _renew(self, session: VCenterSession, folder: str, own: _HeldLease, length_s: float) -> None:
        """Go on holding; where the time was over before vCenter had the word, another may have claimed it."""
        sent = steady()
        self._write(session, folder, own, length_s)
        if steady() >= own.until and self.read(session, folder).top != own.claim:
            self._leases.pop(folder, None)
            self._since.pop(folder, None)
            raise _lost()
        self._leases[folder] = own._replace(until=sent + length_s)
        log.debug("lease %d of %s renewed", own.claim, folder)

    def _write(self, session: VCenterSession, folder: str, own: _HeldLease, length_s: float) -> None:
        until = self._now() + timedelta(seconds=length_s)
        self._tell(session, folder, self._record(folder, own.claim, own.since, until))

    def _tell(self, session: VCenterSession, folder: str, record: LeaseRecord) -> None:
        text = msgspec.json.encode(record).decode()
        manager = session.content.customFieldsManager
        if self._key is None:
            self._key = _defined(session)
        entity = vim.Folder(folder, session.stub)
        try:
            manager.SetField(entity=entity, key=self._key, value=text)
        except vmodl.fault.InvalidArgument:
            # somebody tidied the definition away, and all its values with it: it is made anew, once
            self._key = _defined(session)
            manager.SetField(entity=entity, key=self._key, value=text)

    def _own_value(self, session: VCenterSession, folder: str, own: _HeldLease) -> LeaseReading | None:
        """The lease by its value alone, where that is ours and in time; None: the claims must be looked at.

        Nobody claims a lease in its time but by force, or where our session was not used for long: who does
        ends our sessions or finds a renewed value, and writes a value of his own, which the next look sees.
        Acts look at the claims.
        """
        if self._key is None or steady() >= own.until:
            return None
        _, values = read_fields(session, [folder], names=False)
        value = parse(values[folder].get(self._key))
        if value is None or value.g != own.claim or value.by != self.me or self._by_twin(value):
            return None
        return LeaseReading(value, {own.claim: self._key})

    def read(self, session: VCenterSession, folder: str) -> LeaseReading:
        """The lease as vCenter shows it now; with one call."""
        fields, values = self.read_fields(session, [folder])
        prefix = f"{CLAIM}{folder}."
        claims = {
            int(name.removeprefix(prefix)): key
            for name, key in fields.items()
            if name.startswith(prefix) and name.removeprefix(prefix).isdigit()
        }
        self._key = fields.get(LEASE, self._key)
        return LeaseReading(parse(values[folder].get(fields.get(LEASE, -1))), claims)


def _lost() -> HeldElsewhere:
    return HeldElsewhere(
        "another controller has taken this domain over at this moment; look again in a moment"
    )


def read_fields(
    session: VCenterSession, folders: Collection[str], names: bool = True
) -> tuple[dict[str, int], dict[str, dict[int, str]]]:
    """Field definitions (name -> key) and values of folders (id -> key -> text), with one call; without
    `names` the values only, for there are as many definitions as claims."""
    objects = [
        *([session.content.customFieldsManager] if names else []),
        *(vim.Folder(ident, session.stub) for ident in folders),
    ]
    spec = filter_spec(objects, {vim.CustomFieldsManager: ["field"], vim.Folder: ["customValue"]})
    defined, values = read_attributes(session, spec)
    return {name: key for key, name in defined.items()}, {ident: values.get(ident, {}) for ident in folders}


def _defined(session: VCenterSession) -> int:
    """The key of the lease's attribute; its definition is made where there is none."""
    fields, _ = read_fields(session, ())
    if LEASE in fields:
        return fields[LEASE]
    manager: Any = session.content.customFieldsManager
    try:
        return int(manager.AddFieldDefinition(name=LEASE, moType=vim.Folder).key)
    except vim.fault.DuplicateName:
        fields, _ = read_fields(session, ())
        return fields[LEASE]
