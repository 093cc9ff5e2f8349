"""Alarms of what others did leave a trace: each is journaled once, when it is first seen.

Moves to other hosts are one alarm that counts: its last count is journaled when its session has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drdeck.model.alarms import Alarm
from drdeck.model.domains import Domain
from drdeck.model.guard import GUARD_KINDS, TOOL_RETURNED, Change
from drdeck.model.times import show
from drdeck.model.views import SiteView

from .event_store import Event, JournalError

ALARM = "alarm"
KINDS = GUARD_KINDS | {TOOL_RETURNED}
Key = tuple[str, ...]
Record = Callable[[str, dict[str, Any]], object]


def _data(domain: Domain, alarm: Alarm) -> dict[str, Any]:
    return {
        "domain": domain.name,
        "session": domain.session.id if domain.session is not None else None,
        "vm": alarm.vm,
        "kind": alarm.kind,
        "at": show(alarm.time),
        "user": alarm.user,
        "address": alarm.address or None,
        "text": alarm.text,
    }


def _key(data: dict[str, Any]) -> Key:
    return tuple(str(data.get(name)) for name in ("domain", "vm", "kind", "at", "user", "address"))


class AlarmTrail:
    """Puts what others did in PITR sessions into the journal. `record` raises JournalError.

    `events` reads the journal's events of a kind, oldest first.
    """

    def __init__(self, record: Record, events: Callable[[str], Iterable[Event]]) -> None:
        self._record, self._events = record, events
        self._by_domain: dict[str, tuple[str | None, set[Key]]] | None = None
        """domain -> its session whose alarms were journaled last, and these"""
        self._moves: dict[str, tuple[str | None, dict[str, Any] | None]] = {}
        """domain -> words of the first count of moves to other hosts, and the alarm of the last"""

    def follow(self, view: SiteView) -> None:
        """Journal the new ones of a view; what cannot be written now comes with a later view."""
        try:
            for domain in view.domains:
                self._follow(domain)
        except JournalError:
            pass  # the controller says so by itself

    def _follow(self, domain: Domain) -> None:
        current = [_data(domain, alarm) for alarm in domain.alarms if alarm.kind in KINDS]
        self._count_moves(domain.name, current)
        alarms = {_key(data): data for data in current}
        if not alarms:
            return
        journaled, session = self._journaled(), domain.session.id if domain.session is not None else None
        before, keys = journaled.get(domain.name, (None, set[Key]()))
        if before != session:  # they go with their session
            keys &= alarms.keys()
        journaled[domain.name] = session, keys
        for key, data in alarms.items():
            if key not in keys:
                self._record(ALARM, data)
                keys.add(key)

    def _count_moves(self, domain: str, current: list[dict[str, Any]]) -> None:
        """Keep the alarm that counts moves as it is now; journal its last count once it is gone."""
        counted = next((data for data in current if data["kind"] == str(Change.HOST)), None)
        first, last = self._moves.get(domain, (None, None))
        ended = last is not None and (counted is None or counted["session"] != last["session"])
        if ended and last is not None and last["text"] != first:
            self._record(ALARM, last)
        if counted is None:
            self._moves.pop(domain, None)
        else:
            self._moves[domain] = (counted["text"] if first is None or ended else first, counted)

    def _journaled(self) -> dict[str, tuple[str | None, set[Key]]]:
        """Those of before this process too; read when the first one comes."""
        if self._by_domain is None:
            self._by_domain = {}
            for event in self._events(ALARM):
                domain, session = str(event.data.get("domain")), event.data.get("session")
                before, keys = self._by_domain.get(domain, (None, set[Key]()))
                self._by_domain[domain] = session, {*(keys if before == session else ()), _key(event.data)}
        return self._by_domain
