"""Alarms that go with a session leave a trace: each is journaled once, when it is first seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from drdeck.model.domains import Alarm, Domain, SiteView
from drdeck.model.guard import GUARD_KINDS
from drdeck.model.times import show

from .journal import Event, JournalError

ALARM = "alarm"
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
    """Puts what others did in PITR sessions into the journal. `record` raises JournalError."""

    def __init__(self, record: Record, events: Callable[[], Iterable[Event]]) -> None:
        self._record, self._events = record, events
        self._known: set[Key] | None = None

    def follow(self, view: SiteView) -> None:
        """Journal the new ones of a view; what cannot be written now comes with a later view."""
        new = list(self._new(view))
        try:
            for key, data in new:
                self._record(ALARM, data)
                self._journaled().add(key)
        except JournalError:
            pass  # the controller says so by itself

    def _new(self, view: SiteView) -> Iterator[tuple[Key, dict[str, Any]]]:
        for domain in view.domains:
            for alarm in domain.alarms:
                if alarm.kind in GUARD_KINDS:
                    data = _data(domain, alarm)
                    key = _key(data)
                    if key not in self._journaled():
                        yield key, data

    def _journaled(self) -> set[Key]:
        """Those of before this process too; read when the first one comes."""
        if self._known is None:
            self._known = {_key(event.data) for event in self._events() if event.kind == ALARM}
        return self._known
