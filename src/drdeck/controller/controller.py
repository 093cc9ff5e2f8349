"""The controller: observe the site, compare with what was asked, take the next step, forget."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from drdeck.controller.journal.alarm_trail import AlarmTrail
from drdeck.controller.journal.event_store import Journal, JournalError
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.controller.journal.step_trail import StepTrail
from drdeck.controller.journal.trial_trail import TrialTrail
from drdeck.controller.passwords.password_store import PasswordStore, UnusablePassword
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.alarms import Finding
from drdeck.model.passwords import OWN, PROTECTED, PasswordWanted
from drdeck.model.step_times import StepTimes
from drdeck.model.times import utcnow
from drdeck.model.views import SiteView
from drdeck.sites.contract import RecoverySite, ShowsRecordsFirst

from .asking.network_choice import with_defaults
from .asking.request_desk import RequestDesk
from .estimates import Estimates
from .maintenance_runner import MaintenanceRunner
from .operation_loop import OperationLoop
from .plans.plan_desk import PlanDesk
from .plans.run_keeper import RunKeeper
from .site_watcher import LapsedSynchronisation, SiteWatcher
from .writing_watch import WritingWatch

log = logging.getLogger(__name__)


class Controller:
    """One site, its journal, and the operations in it. All methods belong to one event loop.

    `desk` takes requests and answers, `plans` failover plans; `watcher` sees the site, `recorder` has the
    journal and what follows from it, `loop` the next step of each operation, `executor` what is under way.

    `on_change` is called after anything that a console shows has changed.
    """

    def __init__(
        self,
        site: RecoverySite,
        journal: Journal,
        read_only: bool = False,
        real_now: Callable[[], datetime] | None = None,
        steady: Callable[[], float] | None = None,
        passwords: PasswordStore | None = None,
    ) -> None:
        """Raises JournalError for a journal that tells what this drdeck does not understand.

        `passwords`: those that the site asks for; its own when not given.
        `steady` goes with `real_now` unless given, so that a test moves both at once.
        """
        self.site, self.journal, self.read_only = site, journal, read_only
        self.passwords = passwords or PasswordStore(site.name)
        self.real_now: Callable[[], datetime] = real_now or utcnow
        if steady is None:
            steady = time.monotonic if real_now is None else lambda: self.real_now().timestamp()
        self.since = self.real_now()
        self.on_change: Callable[[], None] = lambda: None
        self.recorder = Recorder(journal)
        self.watcher = SiteWatcher(site, self.real_now, steady)
        self.settings_file = self.settings_digest = ""
        """of the settings that the site was made of; empty: nobody said"""
        self.networks: dict[str, str] = {}
        """recovery networks that the site's settings say, protected name -> recovery name"""
        self.scenario, self.speed = "", 0.0
        """with which a training site was made"""
        self.loop = OperationLoop(site, self.watcher, self.recorder)
        self.executor = self.loop.executor
        self.recorder.on_change = self.watcher.on_change = self._changed
        self.watcher.on_view, self.watcher.take = self.kick, self.saw
        if isinstance(site, ShowsRecordsFirst):
            site.on_records = self.watcher.saw_records
        record = functools.partial(self.recorder.record, SELF)
        self.desk = RequestDesk(
            site, self.watcher, self.recorder, self.loop, lambda: self.view, self.kick, read_only
        )
        self.plans = PlanDesk(RunKeeper(self.desk), lambda: self.view, self.desk.check_in_sight)
        self.maintenance = MaintenanceRunner(site, self.watcher, self.recorder, self.executor, read_only)
        self._again = LapsedSynchronisation(self.recorder.operations.values())
        self._estimates = Estimates(lambda: self.recorder.operations)
        self._step_times = StepTimes()
        self._trail = AlarmTrail(record, journal.events)
        self._writing = WritingWatch(site, steady, self._changed)
        self._steps = StepTrail(record)
        self._trials = TrialTrail(record, journal.events)

    async def run(self) -> None:
        """Observe and reconcile until cancelled; what is under way then is left to the next start."""
        loops = {
            "observe": self.watcher.watch(),
            "reconcile": self.loop.run(),
            "maintenance": self.maintenance.run(),
        }
        loops["runs"] = self.plans.keeper.run()
        loops["protected sites"] = self.plans.keeper.protected.run()
        loops["writing"] = self._writing.run()
        tasks = [asyncio.create_task(self._forever(loop), name=name) for name, loop in loops.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            self.watcher.stop()
            running = [*tasks, *self.executor.running]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self.site.close()

    async def _forever(self, loop: Coroutine[Any, Any, None]) -> None:
        try:
            await loop
        except asyncio.CancelledError:
            raise
        except BaseException:
            log.exception("a loop of the controller ended, which is a bug")
            raise

    # -- seeing

    @property
    def view(self) -> SiteView | None:
        return self._writing.annotated(self.watcher.view)

    def saw(self, view: SiteView) -> None:
        """Take a view in, unless a newer one was seen."""
        view = self._again.with_remarks(self._step_times.with_times(view))
        view = self._estimates.with_remarks(with_defaults(view, self.networks))
        self.watcher.saw(view)
        self._trail.follow(view)
        self._writing.follow(view)
        self._steps.follow(view)
        self._trials.follow(view)

    def kick(self) -> None:
        """Something changed: look at every open operation again."""
        self.loop.kick()
        self.plans.keeper.kick()

    def passwords_wanted(self) -> tuple[PasswordWanted, ...]:
        """The logins that wait for a person, the site's own first."""
        logins = self.passwords.open_logins()
        if self.watcher.needs_password and not self.passwords.ever_asked:
            # the site has a way of its own to log in
            user = self.view.user if self.view else ""
            logins = (PasswordWanted(of=OWN, user=user, why=self.watcher.error or ""), *logins)
        return logins

    def give_password(self, password: str, of: str, actor: str) -> None:
        """A person gave a password: try to log in with it now. Raises NotAccepted for one that cannot be."""
        if of not in (OWN, PROTECTED):
            raise NotAccepted("usage", f"{of!r} is not something that has a password")
        try:
            self.passwords.give(password, of)
        except UnusablePassword as error:
            raise NotAccepted("usage", str(error)) from None
        with contextlib.suppress(JournalError):  # what cannot be written must not keep anybody out
            whose = "protected site" if of == PROTECTED else "site"
            self.recorder.record(actor, "password_given", {"of": whose})
        if of == OWN:
            self.watcher.password_given()

    def _changed(self) -> None:
        if self.watcher.view is not None:
            self.watcher.view = self._estimates.of_what_goes_on(self.watcher.view)
        self.plans.keeper.kick()
        self.on_change()

    async def findings(self) -> tuple[Finding, ...]:
        """Findings of a doctor about controller and site; also while the site is out of sight."""
        own = []
        if self.recorder.error is not None:
            remedy = "make room on the disk, or end what holds the file; nothing new is accepted until then"
            own.append(Finding.fail("journal", self.recorder.error, remedy))
        if self.watcher.error is not None:
            own.append(Finding.fail("site", self.watcher.error))
        return (*own, *self.plans.inquiry.findings(), *await self.site.findings())

    async def pause(self, most_s: float) -> list[str]:
        """Begin nothing more, and wait until nothing is under way; names what still is after `most_s`.

        In that case, and when cancelled, everything goes on as before.
        """
        self.executor.pausing = True
        try:
            async with asyncio.timeout(most_s):
                while self.executor.running:
                    await asyncio.wait(set(self.executor.running))
            return []
        except TimeoutError:
            self.go_on()
            return sorted(task.get_name() for task in self.executor.running)
        except asyncio.CancelledError:
            self.go_on()
            raise

    def go_on(self) -> None:
        """Take back a pause."""
        self.executor.pausing = False
        self.kick()

    @property
    def pid(self) -> int:
        return os.getpid()
