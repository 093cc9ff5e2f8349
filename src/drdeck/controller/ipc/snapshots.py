"""Views for the consoles: the listing, and the detail of a domain, encoded once for all of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from drdeck.controller.controller import Controller
from drdeck.controller.journal.operations import OperationView, view_of
from drdeck.controller.journal.projection import newest_end_first
from drdeck.model.domains import Domain

from . import protocol as p

RECENT = 20
"""Ended operations that a listing still names."""


class Snapshots:
    """The lines that consoles are sent.

    `names` tells who is attached; `changed` is called after anything that a console shows has changed.
    """

    def __init__(self, controller: Controller, names: Callable[[], tuple[str, ...]]) -> None:
        self.controller, self._names = controller, names
        self._lines: dict[str | None, bytes] = {}

    def changed(self) -> None:
        self._lines = {}

    def line(self, name: str | None = None) -> bytes:
        """The listing, or the detail of a domain: encoded once for each change however many look at it."""
        if name not in self._lines:
            self._lines[name] = p.line(self.listing() if name is None else self.detail(name))
        return self._lines[name]

    def listing(self) -> p.Listing:
        c = self.controller
        view = c.view
        operations = sorted(c.recorder.open_operations(), key=lambda op: op.asked_at, reverse=True)
        operations += newest_end_first(c.recorder.operations.values())[:RECENT]
        return p.Listing(
            site=c.site.name,
            kind=c.site.kind,
            address=view.address if view else "",
            user=view.user if view else "",
            clock=c.watcher.clock(),
            seen_at=c.watcher.seen_by_site(),
            stale_s=c.watcher.stale_s(),
            error=c.watcher.error,
            needs_password=c.watcher.needs_password,
            passwords=c.passwords_wanted(),
            warnings=view.warnings if view else (),
            read_only=c.read_only,
            domains=tuple(d.summary() for d in view.domains) if view else (),
            records=c.watcher.records,
            operations=tuple(view_of(op) for op in operations),
            consoles=self._names(),
            journal_error=c.recorder.error,
            runs=c.plans.runs.views(),
        )

    def detail(self, name: str) -> p.Detail:
        c = self.controller
        domain: Domain | None = c.view.domain(name) if c.view else None
        if domain is not None:
            domain = msgspec.structs.replace(domain, phase=None)
        return p.Detail(name=name, domain=domain, operations=self.operations_of(name))

    def operations_of(self, name: str | None) -> tuple[OperationView, ...]:
        """The open and the recent ones, newest first; of all domains when `name` is None."""
        own = [op for op in self.controller.recorder.operations.values() if name is None or op.domain == name]
        return tuple(view_of(op) for op in sorted(own, key=lambda op: op.asked_at, reverse=True))
