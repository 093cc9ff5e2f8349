"""What a controller does unasked: chores that a site says are due, and trying the journal again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging

from drdeck.model.commands import Take
from drdeck.model.domains import Mode, Owner
from drdeck.sites.site import RecoverySite

from .book import SELF, Book
from .chores import Chores
from .doing import Doing
from .journal import JournalError
from .sight import Sight

log = logging.getLogger("drdeck.controller")


class Upkeep:
    """Looks twice a second; a read-only controller does no chores. Belongs to one event loop."""

    def __init__(self, site: RecoverySite, sight: Sight, book: Book, doing: Doing, read_only: bool) -> None:
        self.site, self.sight, self.book, self.doing = site, sight, book, doing
        self.read_only = read_only
        record = functools.partial(book.record, SELF)
        self._chores = Chores(doing.execute, record, book.record_surely, sight)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            try:
                if self.book.error is not None:
                    self._try_journal()
                elif not self.read_only and self.sight.error is None and self.sight.view is not None:
                    self._begin_chores()
            except Exception:
                log.exception("upkeep failed, which is a bug")
                await asyncio.sleep(30)

    def _begin_chores(self) -> None:
        for domain, act in self.site.upkeep(self.sight.now()):
            command = Take(operation="", domain=domain, act=act)
            if self.doing.full or not self._chores.may_begin(command):
                continue
            self._chores.begin(command)
            self.doing.spawn(self._chores.carry_out(command), act.says)

    def _try_journal(self) -> None:
        """Whether it can be written again; nobody else may be writing."""
        with contextlib.suppress(JournalError):
            self.book.record(SELF, "journal_back", {"was": self.book.error})
            self.doing.kick()

    def has_duties(self) -> bool:
        """Whether ending this process would leave something undone: open operations, or points to make."""
        if self.book.open_operations():
            return True
        return self.site.keeps_points and any(
            d.owner is Owner.LOCAL and d.pitr.enabled and d.mode is Mode.RUNNING_IN_FAILOVER
            for d in (self.sight.view.domains if self.sight.view else ())
        )
