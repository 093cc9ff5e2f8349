"""The controller: observe the site, compare with what was asked, take the next step, forget."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import msgspec

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.alarm_trail import AlarmTrail
from drdeck.controller.journal.event_store import Journal, JournalError
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.recorder import SELF, Recorder
from drdeck.controller.journal.step_trail import StepTrail
from drdeck.controller.passwords.password_store import PasswordStore, UnusablePassword
from drdeck.model.actions import Request
from drdeck.model.alarms import Finding
from drdeck.model.commands import MakePlannedCall
from drdeck.model.confirming import NAMING_ANSWERS, NotAccepted, Preview, unconfirmed_answer
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.guard import Hazards
from drdeck.model.passwords import OWN, PROTECTED, PasswordWanted
from drdeck.model.pitr import Points
from drdeck.model.planned import PlannedCall
from drdeck.model.times import show
from drdeck.model.views import SiteView
from drdeck.model.words.nearest_name import did_you_mean, nearest
from drdeck.sites.contract import RecoverySite, SiteError, SiteUnreachable

from . import requests
from .executor import Executor
from .first_command import completion, first_command
from .maintenance_runner import MaintenanceRunner
from .network_choice import network_mapping, with_defaults
from .plans.plan_desk import PlanDesk
from .plans.run_keeper import RunKeeper
from .protected_evidence import against_force
from .site_watcher import LapsedSynchronisation, SiteWatcher, utcnow
from .writing_watch import WritingWatch

log = logging.getLogger(__name__)


class Controller:
    """One site, its journal, and the operations in it. All methods belong to one event loop.

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
        self.book = Recorder(journal)
        self.sight = SiteWatcher(site, self.real_now, steady)
        self.settings_digest = ""
        """of the settings that the site was made of; empty: nobody said"""
        self.networks: dict[str, str] = {}
        """recovery networks that the site's settings say, protected name -> recovery name"""
        self.scenario, self.speed = "", 0.0
        """with which a training site was made"""
        self.doing = Executor(site, self.sight, self.book)
        self.book.on_change = self.sight.on_change = self._changed
        self.sight.on_view, self.sight.take = self.kick, self.saw
        record = functools.partial(self.book.record, SELF)
        keeper = RunKeeper(site, self.sight, self.book, self.doing, self.submit, read_only)
        self.plans = PlanDesk(keeper, lambda: self.view, self._sighted)
        self.upkeep = MaintenanceRunner(site, self.sight, self.book, self.doing, read_only)
        self._again = LapsedSynchronisation(self.book.operations.values())
        self._trail = AlarmTrail(record, journal.events)
        self._writing = WritingWatch(site, steady, self._changed)
        self._steps = StepTrail(record)

    async def run(self) -> None:
        """Observe and reconcile until cancelled; what is under way then is left to the next start."""
        loops = {"observe": self.sight.watch(), "reconcile": self.doing.run(), "upkeep": self.upkeep.run()}
        loops["runs"] = self.plans.keeper.run()
        loops["writing"] = self._writing.run()
        tasks = [asyncio.create_task(self._forever(loop), name=name) for name, loop in loops.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            self.sight.stop()
            running = [*tasks, *self.doing.running]
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
        return self._writing.annotated(self.sight.view)

    @property
    def seen_at(self) -> datetime | None:
        return self.sight.seen_at

    @property
    def error(self) -> str | None:
        """The reason why the site is not seen now; None while it is."""
        return self.sight.error

    @property
    def needs_password(self) -> bool:
        return self.sight.needs_password

    def saw(self, view: SiteView) -> None:
        """Take a view in, unless a newer one was seen."""
        view = with_defaults(self._again.told(view), self.networks)
        self.sight.saw(view)
        self._trail.follow(view)
        self._writing.follow(view)
        self._steps.follow(view)

    def kick(self) -> None:
        """Something changed: look at every open operation again."""
        self.doing.kick()
        self.plans.keeper.kick()

    def now(self) -> datetime:
        """The site's clock, or ours before it was seen."""
        return self.sight.now()

    def stale_s(self) -> float | None:
        """Age in seconds of a view that is not fresh any more; None for a fresh one."""
        return self.sight.stale_s()

    def passwords_wanted(self) -> tuple[PasswordWanted, ...]:
        """The logins that wait for a person, the site's own first."""
        logins = self.passwords.wanted()
        if self.needs_password and not self.passwords.asked:  # the site has a way of its own to log in
            user = self.view.user if self.view else ""
            logins = (PasswordWanted(of=OWN, user=user, why=self.error or ""), *logins)
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
            self.book.record(actor, "password_given", {"of": whose})
        if of == OWN:
            self.sight.password_given()

    def _changed(self) -> None:
        self.plans.keeper.kick()
        self.on_change()

    # -- asking

    def domain(self, name: str) -> Domain:
        """Raises NotAccepted for a domain that the site does not show."""
        if self.view is None:
            raise NotAccepted("unreachable", self.error or "the site was not seen yet")
        domain = self.view.domain(name)
        if domain is None:
            meant = did_you_mean(name, [d.name for d in self.view.domains])
            raise NotAccepted("usage", f'there is no Protected Domain "{name}"; {meant}')
        return domain

    @property
    def operations(self) -> facts.Operations:
        return self.book.operations

    @property
    def journal_error(self) -> str | None:
        """The reason why nothing new is accepted; None while the journal can be written."""
        return self.book.error

    def open_operations(self) -> list[Operation]:
        return self.book.open_operations()

    async def submit(
        self,
        request: Request,
        actor: str,
        *,
        run: str = "",
        batch: str = "",
        barrier: bool = False,
        protected: ProtectedSite | None = None,
    ) -> str:
        """Accept a request: once this returns its id, it is in the journal. Raises NotAccepted.

        `run`, `batch`: what of a failover plan begins it; `barrier`: its VMs wait for those of other domains.
        `protected`: its protected site, where that was looked at a moment ago.
        """
        self._sighted()
        request = requests.as_named(request, self.domain(request.domain))
        if protected is None:
            protected = await self._protected(request)
        ident = f"op-{secrets.token_hex(4)}"
        points = await self._points_for(request)
        lacking = await self._lacking(self._asked(ident, request, protected, actor, points))
        if lacking is not None:
            raise NotAccepted("rule", lacking)
        # from here to the journal nothing is waited for: of two requests at a time one must see the other
        operation = self._asked(ident, request, protected, actor, points)
        closed = self.site.check(first_command(operation))
        if closed is not None:
            raise NotAccepted("rule", closed)
        accepted, domain = operation.request, self.domain(request.domain)
        data = {
            "operation": ident,
            "request": msgspec.to_builtins(msgspec.structs.replace(accepted, preview=None)),
            "asked_at": show(operation.asked_at),
            "against": list(against_force(accepted, protected)),
        }
        if domain.session is not None:
            data |= {"session": domain.session.id, "after": domain.session.last_operation}
        if run:
            data |= {"run": run, "batch": batch, "barrier": barrier}
        ends = requests.ended_by(accepted, self.open_operations())
        if ends:
            data["ends"] = ends
        self._record_or_refuse(actor, facts.ACCEPTED, data)
        log.info("%s accepted from %s: %s %s", ident, actor, request.action, request.domain)
        self.kick()
        return ident

    async def preview(self, request: Request) -> Preview:
        """The effect of a request, as things are now. Raises NotAccepted."""
        self._sighted()
        domain = self.domain(request.domain)
        request = requests.as_named(request, domain)
        requests.check_names(request, domain)
        protected, hazards = await self._protected(request), await self._hazards(request)
        obstacles, points = await self._obstacles(request, domain), await self._points_for(request)
        preview = requests.preview(
            request, domain, protected, self.now(), self.read_only, hazards, obstacles, points
        )
        if preview.refusal is not None:
            return preview
        about = msgspec.structs.replace(request, to=request.to or self.now())
        operation = Operation(id="preview", request=about, actor="", asked_at=self.now())
        return msgspec.structs.replace(preview, refusal=await self._lacking(operation))

    async def _points_for(self, request: Request) -> Points | None:
        """The points that a rollback is chosen from; None for other requests, and where the site has none to
        tell, for which a rule has the words. Raises NotAccepted."""
        if request.action != "pitr_run" or request.to is None:
            return None
        try:
            return await self.site.points(request.domain)
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None
        except SiteError:
            return None

    def _asked(
        self,
        ident: str,
        request: Request,
        protected: ProtectedSite,
        actor: str,
        points: Points | None = None,
    ) -> Operation:
        """The operation that a request becomes, as things are now. Raises NotAccepted."""
        self._sighted()
        now = self.now()
        accepted = requests.accept(
            request,
            self.domain(request.domain),
            protected,
            now,
            read_only=self.read_only,
            operations=self.open_operations(),
            points=points,
        )
        return Operation(id=ident, request=accepted, actor=actor, asked_at=now)

    async def _lacking(self, operation: Operation) -> str | None:
        """Privileges for it that the site's user lacks. Raises NotAccepted."""
        one_sitting = operation.request.start_first
        try:
            return await self.site.lacking(completion(operation) if one_sitting else first_command(operation))
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None
        except SiteError as error:
            return str(error)

    async def points(self, name: str) -> Points:
        """Raises NotAccepted, and SiteError."""
        self._sighted()
        domain = self.domain(name)
        if domain.broken:
            raise NotAccepted("rule", f'the record of "{name}" at the site cannot be used: {domain.broken}')
        if domain.observed_only:
            raise NotAccepted("rule", domain.observed_only)
        return await self.site.points(domain.name)

    async def findings(self) -> tuple[Finding, ...]:
        """Findings of a doctor about controller and site; also while the site is out of sight."""
        own = []
        if self.journal_error is not None:
            remedy = "make room on the disk, or end what holds the file; nothing new is accepted until then"
            own.append(Finding.fail("journal", self.journal_error, remedy))
        if self.error is not None:
            own.append(Finding.fail("site", self.error))
        return (*own, *await self.site.findings())

    def _answerable(self, ident: str) -> Operation:
        """The operation that something is to be answered for. Raises NotAccepted."""
        op = self.operations.get(ident)
        if op is None:
            close = nearest(
                ident, [*self.operations, *(d.name for d in (self.view.domains if self.view else ()))]
            )
            meant = f'did you mean "{close}"? ' if close else ""
            raise NotAccepted("usage", f'no operation "{ident}" is open; {meant}`drdeck tasks` lists all')
        if self.read_only:
            raise NotAccepted("rule", "drdeck is read-only here; nothing can be answered")
        return op

    def answer(self, ident: str, choice: str, actor: str, confirm: str | None = None) -> None:
        """Answer what an operation asks; `confirm`: the domain's name, for an answer of tier 3. Raises
        NotAccepted."""
        op = self._answerable(ident)
        if op.question is None:
            raise NotAccepted("rule", f"operation {ident} asks nothing; it is {op.state}")
        if choice not in op.question.choices:
            raise NotAccepted(
                "rule", f"operation {ident} can be answered with {', '.join(op.question.choices)} only"
            )
        consent = unconfirmed_answer(choice, op.question.vms, op.domain, confirm)
        if consent is not None:
            raise NotAccepted("unconfirmed", consent)
        data: dict[str, Any] = {"operation": ident, "question": op.question.id, "choice": choice}
        if choice in NAMING_ANSWERS and op.question.vms:
            data["vms"] = sorted(op.question.vms.values())
        self._record_or_refuse(actor, facts.ANSWER, data)
        self.kick()

    async def answer_vm(self, ident: str, choice: str, name: str, actor: str) -> None:
        """Answer what the site asks of a VM of an operation's domain. Raises NotAccepted."""
        op = self._answerable(ident)
        self._sighted()
        vm = next((vm for vm in self.domain(op.domain).vms if vm.name == name), None)
        if vm is None:
            meant = did_you_mean(name, [vm.name for vm in self.domain(op.domain).vms])
            raise NotAccepted("usage", f'"{op.domain}" has no VM named "{name}"; {meant}')
        question = vm.question
        if question is None:
            raise NotAccepted("rule", f"vCenter has no question on {name} now")
        label = next((label for label in question.choices if label.casefold() == choice.casefold()), None)
        if label is None:
            offered = ", ".join(question.choices)
            raise NotAccepted("usage", f"the question of {name} can be answered with {offered} only")
        act = PlannedCall(
            key=f"answer:{question.id}:{vm.id}",
            kind="answer",
            vm=vm.id,
            name=name,
            args={"question": question.id, "choice": question.choices[label]},
            says=f'answer "{label}" to the question of {name}',
        )
        command = MakePlannedCall(operation=ident, domain=op.domain, act=act, asked_by=actor)
        data = {"operation": ident, "vm": name, "text": question.text, "choice": label}
        self._record_or_refuse(actor, "vm_answer", data)
        result, text = await self.doing.execute(command)
        await self.book.record_surely("vm_answer_outcome", {**data, "result": result, "why": text})
        if result != "done":
            raise NotAccepted("unreachable" if result == "unreachable" else "rule", text)

    async def pause(self, most_s: float) -> list[str]:
        """Begin nothing more, and wait until nothing is under way; names what still is after `most_s`.

        In that case, and when cancelled, everything goes on as before.
        """
        self.doing.pausing = True
        try:
            async with asyncio.timeout(most_s):
                while self.doing.running:
                    await asyncio.wait(set(self.doing.running))
            return []
        except TimeoutError:
            self.go_on()
            return sorted(task.get_name() for task in self.doing.running)
        except asyncio.CancelledError:
            self.go_on()
            raise

    def go_on(self) -> None:
        """Take back a pause."""
        self.doing.pausing = False
        self.kick()

    def note(self, actor: str, kind: str, data: dict[str, Any]) -> None:
        """Journal something that is no operation. Raises NotAccepted when that cannot be."""
        self._record_or_refuse(actor, kind, data)

    def _sighted(self) -> None:
        if self.error is not None:
            raise NotAccepted("unreachable", self.error)

    async def _protected(self, request: Request) -> ProtectedSite:
        if request.action not in requests.ASKS_PROTECTED:
            return ProtectedSite()
        try:
            return await self.site.protected_site(request.domain, request.without)
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None

    async def _obstacles(self, request: Request, domain: Domain) -> Hazards:
        """Reasons that may stop the VMs of a completion from starting."""
        if request.action != "cfo_complete":
            return requests.NO_HAZARDS
        mapping = network_mapping(request.networks, domain.networks)
        try:
            return await self.site.obstacles(request.domain, mapping, request.without)
        except SiteError as error:
            return Hazards(not_checked=(f"what may stop VMs from starting ({error})",))

    async def _hazards(self, request: Request) -> Hazards:
        if not requests.begins_session(request):
            return requests.NO_HAZARDS
        try:
            return await self.site.hazards(request.domain, request.vms)
        except SiteError as error:
            return Hazards(not_checked=(f"what may disturb the PITR session ({error})",))

    def _record_or_refuse(self, actor: str, kind: str, data: dict[str, Any]) -> None:
        try:
            self.book.record(actor, kind, data)
        except JournalError as error:
            raise NotAccepted("failed", f"{error}; nothing new is accepted until it can be") from None

    @property
    def pid(self) -> int:
        return os.getpid()
