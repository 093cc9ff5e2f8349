"""Watching the site: how old the last view is, looking anew after a lost answer, and who fell behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.domains import Domain, Mode
from drdeck.model.views import LOGGED_IN, NOT_SEEN, RECORDS_SEEN, SiteClock, SiteView
from drdeck.sites.contract import LoginRefused, RecoverySite, SiteError, SiteUnreachable

log = logging.getLogger(__name__)

_GONE_S = (0.3, 0.6, 1.0, 1.5)
"""Pauses while the site is out of reach: short, for what waits must go on soon after its return."""
_ODD_S = (0.5, 1.0, 2.0, 5.0)
"""Pauses while it answers and refuses."""
_STEADY_S = 5.0
"""Watched for so long, the next loss is a new one."""
_STEP_S = 1.0
"""Our clock was set when it and time itself differ by more."""
_ASKED_AGAIN_S = 60.0
"""A login that waits for a password is tried again after so long, for the command may know one by then."""


class SiteWatcher:
    """The last view of a site, and since when there is none. All methods belong to one event loop.

    `take` is given each view, and hands it on to `saw`; `on_view` is called after each newer one and
    when the site is back in sight, `on_change` after anything changed that a console shows. `real_now`
    is our clock, which anybody may set; `steady` counts seconds whatever is set.
    """

    def __init__(
        self,
        site: RecoverySite,
        real_now: Callable[[], datetime],
        steady: Callable[[], float],
    ) -> None:
        self.site, self.real_now, self.steady = site, real_now, steady
        self.view: SiteView | None = None
        self.records: tuple[Domain, ...] = ()
        """the domains by their records alone, until there is a view; nothing is decided by them"""
        self.seen_at: datetime | None = None
        self.error: str | None = NOT_SEEN
        self.needs_password = False
        self.take: Callable[[SiteView], None] = self.saw
        self.on_view: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self._seen_s = self._viewed = steady()
        self._viewed_at = real_now()
        self._password_given = asyncio.Event()
        self.looked = 0
        """serial of the newest view that was read after the last lost answer"""
        self._look_due = False
        self._looking: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Follow the site until cancelled; a loss is said, and then it is tried again and again."""
        failures, pauses = 0, _ODD_S
        while True:
            began, entered = self.steady(), False
            self._password_given.clear()  # here: one that comes while another is tried is not overheard
            try:
                await self.site.open()
                entered = True
                if self.needs_password:
                    self.needs_password, self.error = False, LOGGED_IN
                    self.on_change()
                async for view in self.site.watch():
                    log.debug("view %d taken: the site has changed", view.serial)
                    self.take(view)
                pauses = _ODD_S
            except LoginRefused as error:
                self.needs_password = not entered
                self.lost(str(error))
                if not entered:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(min(_ASKED_AGAIN_S, error.retry_s or _ASKED_AGAIN_S)):
                            await self._password_given.wait()
                    continue
                pauses = _ODD_S  # it may be another one by now: got anew before anybody is asked
            except SiteError as error:
                if isinstance(error, SiteUnreachable) and entered:
                    self._heard(error.silent_s)
                self.lost(str(error))
                pauses = _GONE_S if isinstance(error, SiteUnreachable) else _ODD_S
            except Exception as error:
                log.exception("watching the site failed, which is a bug")
                self.lost(f"drdeck failed while watching the site: {error!r}; see the controller's log")
                pauses = _ODD_S
            if self.steady() - began > _STEADY_S and self._seen_s > began:
                failures = 0
            pause = pauses[min(failures, len(pauses) - 1)]
            failures += 1
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))

    def saw_records(self, domains: tuple[Domain, ...]) -> None:
        """Take in what can be shown before the first view."""
        if self.view is None:
            self.records, self.error = domains, RECORDS_SEEN
            self.on_change()

    def saw(self, view: SiteView) -> None:
        """Take a view in, unless a newer one was seen."""
        back = self.error is not None
        self.seen_at, self._seen_s, self.error = self.real_now(), self.steady(), None
        if self.view is None or view.serial > self.view.serial:
            if self.view is None:
                self.looked = view.serial  # nothing was asked by this process yet
                self.records = ()
            self.view = view
            self._viewed, self._viewed_at = self._seen_s, self.seen_at
            back = True
        if back:
            self.on_view()
        self.on_change()

    def _heard(self, silent_s: float | None) -> None:
        """The view held until the site fell silent, however long ago it had changed."""
        if silent_s is not None and self.view is not None and self.error is None:
            self._seen_s = max(self._seen_s, self.steady() - silent_s)

    def lost(self, error: str) -> None:
        """The site is out of sight; what was seen last stays, with its age."""
        if self.error != error:
            log.warning("the site is out of sight: %s", error)
        self.error = error
        self.on_change()

    def look_again(self) -> None:
        """Have the site read anew from now on, however long that takes; then `looked` is its serial.

        A reading that is under way does not count: it may have begun before what it should show.
        """
        self._look_due = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look-again")

    @property
    def looking(self) -> bool:
        return self._looking is not None and not self._looking.done()

    async def _look(self) -> None:
        while self._look_due:
            self._look_due = False
            try:
                view = await self.site.observe()
                log.debug("view %d taken: read anew, as somebody waits for it", view.serial)
                if not self._look_due:
                    self.looked = max(self.looked, view.serial)
                self.take(view)
                continue
            except SiteError as error:
                self.lost(str(error))
            except Exception as error:
                log.exception("reading the site anew failed, which is a bug")
                self.lost(f"drdeck failed while reading the site: {error!r}; see the controller's log")
            self._look_due = True
            await asyncio.sleep(1)

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def password_given(self) -> None:
        """A console gave a password: try to log in again now."""
        self._password_given.set()

    @property
    def serial(self) -> int:
        return self.view.serial if self.view else 0

    def now(self) -> datetime:
        """The site's clock, or ours before it was seen. Setting our clock does not move it."""
        if self.view is None:
            return self.real_now()
        passed = max(0.0, self.steady() - self._viewed)
        return self.view.clock.site + timedelta(seconds=passed * self.view.clock.speed)

    def seen_by_site(self) -> datetime | None:
        """The instant at which it was seen last, by the site's clock."""
        if self.view is None:
            return None
        passed = self._seen_s - self._viewed
        return self.view.clock.site + timedelta(seconds=passed * self.view.clock.speed)

    def clock(self) -> SiteClock | None:
        """The site's clock against ours, as ours is set now."""
        if self.view is None:
            return None
        real = self.real_now()
        passed = (real - self._viewed_at).total_seconds()
        if abs(passed - (self.steady() - self._viewed)) < _STEP_S:
            return self.view.clock
        return SiteClock(site=self.now(), real=real, speed=self.view.clock.speed)

    def stale_s(self) -> float | None:
        """Age in seconds of a view that is not fresh any more; None for a fresh one."""
        return None if self.error is None else max(0.0, self.steady() - self._seen_s)


class LapsedSynchronisation:
    """Tells a domain that rehydrates again from one that never was synchronised.

    It knows from the views that it was given, from the continuous failovers that were begun here, and
    from a site that remembers it for everybody.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        begun = {op.domain: op.state for op in operations if op.action == "cfo_start"}
        self._synchronised = {name for name, state in begun.items() if state is OperationState.DONE}

    def with_remarks(self, view: SiteView) -> SiteView:
        """The view, with the reason at each domain that rehydrates again."""
        domains = tuple(self._with_reason(domain) for domain in view.domains)
        if all(a is b for a, b in zip(domains, view.domains, strict=True)):
            return view
        return msgspec.structs.replace(view, domains=domains)

    def _with_reason(self, domain: Domain) -> Domain:
        if domain.mode is Mode.SYNCHRONISED or (domain.was_synchronised and domain.mode is Mode.REHYDRATING):
            self._synchronised.add(domain.name)
        elif domain.mode not in (Mode.REHYDRATING, Mode.COMPLETING):
            self._synchronised.discard(domain.name)
        if domain.mode is not Mode.REHYDRATING or domain.name not in self._synchronised:
            return domain
        missing = domain.vms_total - domain.vms_recoverable
        why = f"{missing} of {domain.vms_total} VMs are not Recoverable"
        if domain.step is not None and domain.step.detail:
            why += f": {domain.step.detail}"
        return msgspec.structs.replace(domain, again=why)
