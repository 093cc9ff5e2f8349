"""Requests and answers of people about one domain: refused or journaled, by the rules of `requests`."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from drdeck.controller.first_command import completion, first_command
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.recorder import Recorder
from drdeck.controller.operation_loop import OperationLoop
from drdeck.controller.site_watcher import SiteWatcher
from drdeck.model.actions.confirming import NAMING_ANSWERS, NotAccepted, Preview, unconfirmed_answer
from drdeck.model.actions.request import Request
from drdeck.model.commands import MakePlannedCall
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.life.trial_rules import strays_meant
from drdeck.model.life.trial_words import no_room, room_says
from drdeck.model.pitr import Points
from drdeck.model.planned import PlannedCall
from drdeck.model.times import show
from drdeck.model.views import SiteView
from drdeck.model.words.nearest_name import did_you_mean, nearest
from drdeck.sites.contract import RecoverySite, SiteError, SiteUnreachable

from . import requests
from .network_choice import network_mapping
from .protected_evidence import evidence_against

log = logging.getLogger(__name__)


class RequestDesk:
    """The face of the controller for what is asked of one domain. `view`: the newest view, None before the
    first; `kick`: has the operations looked at again."""

    def __init__(
        self,
        site: RecoverySite,
        watcher: SiteWatcher,
        recorder: Recorder,
        loop: OperationLoop,
        view: Callable[[], SiteView | None],
        kick: Callable[[], None],
        read_only: bool,
    ) -> None:
        self.site, self.watcher, self.recorder, self.loop = site, watcher, recorder, loop
        self._view, self._kick, self.read_only = view, kick, read_only

    def domain(self, name: str) -> Domain:
        """Raises NotAccepted for a domain that the site does not show."""
        view = self._view()
        if view is None:
            raise NotAccepted("unreachable", self.watcher.error or "the site was not seen yet")
        domain = view.domain(name)
        if domain is None:
            meant = did_you_mean(name, [d.name for d in view.domains])
            raise NotAccepted("usage", f'there is no Protected Domain "{name}"; {meant}')
        return domain

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
        self.check_in_sight()
        request = self._proven(requests.as_named(request, self.domain(request.domain)))
        if protected is None:
            protected = await self._protected(request)
        ident = f"op-{secrets.token_hex(4)}"
        points = await self._points_for(request)
        lacking = await self._lacking(self._operation_of(ident, request, protected, actor, points))
        if lacking is None:
            lacking = (await self._room(request))[1]
        if lacking is not None:
            raise NotAccepted("rule", lacking)
        # from here to the journal nothing is waited for: of two requests at a time one must see the other
        operation = self._operation_of(ident, request, protected, actor, points)
        closed = self.site.check(first_command(operation))
        if closed is not None:
            raise NotAccepted("rule", closed)
        accepted, domain = operation.request, self.domain(request.domain)
        data = {
            "operation": ident,
            "request": msgspec.to_builtins(msgspec.structs.replace(accepted, preview=None)),
            "asked_at": show(operation.asked_at),
            "against": [fact.text for fact in evidence_against(accepted, protected, domain)],
            "saw": request.preview or {},
        }
        if domain.session is not None:
            data |= {"session": domain.session.id, "after": domain.session.last_operation}
        if run:
            data |= {"run": run, "batch": batch, "barrier": barrier}
        ends = requests.ended_by(accepted, self.recorder.open_operations())
        if ends:
            data["ends"] = ends
        self._record_or_refuse(actor, facts.ACCEPTED, data)
        log.info("%s accepted from %s: %s %s", ident, actor, request.action, request.domain)
        self._kick()
        return ident

    async def preview(self, request: Request) -> Preview:
        """The effect of a request, as things are now. Raises NotAccepted."""
        self.check_in_sight()
        domain = self.domain(request.domain)
        request = self._proven(requests.as_named(request, domain))
        requests.check_names(request, domain)
        protected, hazards = await self._protected(request), await self._hazards(request)
        obstacles, points = await self._obstacles(request, domain), await self._points_for(request)
        preview = requests.preview(
            request, domain, protected, self.watcher.now(), self.read_only, hazards, obstacles, points
        )
        if preview.refusal is not None:
            return preview
        rooms, too_small = await self._room(request)
        about = msgspec.structs.replace(request, to=request.to or self.watcher.now())
        operation = Operation(id="preview", request=about, actor="", asked_at=self.watcher.now())
        says = (*preview.says, *map(room_says, rooms))
        return msgspec.structs.replace(
            preview, says=says, refusal=await self._lacking(operation) or too_small
        )

    def _proven(self, request: Request) -> Request:
        """A request to adopt test VMs with their ids, and with the marks of their tests as the journal has
        them; one to detach disks with their files; whatever it came with. Raises NotAccepted."""
        if request.action == "test_detach":
            trial = self.domain(request.domain).trial
            files = tuple(dict.fromkeys(file for file, _ in trial.foreign)) if trial is not None else ()
            return msgspec.structs.replace(request, disks=files)
        if request.action != "test_adopt":
            return request
        strays = strays_meant(self.domain(request.domain), request)
        if not strays:
            return request  # which says why
        try:
            marks = self.recorder.marks_of_tests({stray.operation for stray in strays})
        except JournalError as error:
            raise NotAccepted("failed", str(error)) from None
        ids = tuple(stray.id for stray in strays)
        return msgspec.structs.replace(request, test_vms=ids, marks=marks)

    async def _points_for(self, request: Request) -> Points | None:
        """The points that a rollback or a test is chosen from; None for other requests, and where the site
        has none to tell, for which a rule has the words. Raises NotAccepted."""
        if request.action not in ("pitr_run", "test_start") or request.to is None:
            return None
        try:
            return await self.site.points(request.domain)
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None
        except SiteError:
            return None

    def _operation_of(
        self,
        ident: str,
        request: Request,
        protected: ProtectedSite,
        actor: str,
        points: Points | None = None,
    ) -> Operation:
        """The operation that a request becomes, as things are now. Raises NotAccepted."""
        self.check_in_sight()
        now = self.watcher.now()
        accepted = requests.accept(
            request,
            self.domain(request.domain),
            protected,
            now,
            read_only=self.read_only,
            operations=self.recorder.open_operations(),
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

    async def _room(self, request: Request) -> tuple[tuple[TrialRoom, ...], str | None]:
        """Room for a test, and the reason against one that has too little; nothing for other requests.

        Raises NotAccepted.
        """
        if request.action != "test_start":
            return (), None
        try:
            rooms = await self.site.trial_room(request.domain, request.vms, request.to)
        except SiteUnreachable as error:
            raise NotAccepted("unreachable", str(error)) from None
        except SiteError as error:
            return (), str(error)
        return rooms, no_room(rooms)

    async def points(self, name: str) -> Points:
        """Raises NotAccepted, and SiteError."""
        self.check_in_sight()
        domain = self.domain(name)
        if domain.broken:
            raise NotAccepted("rule", f'the record of "{name}" at the site cannot be used: {domain.broken}')
        if domain.observed_only:
            raise NotAccepted("rule", domain.observed_only)
        return await self.site.points(domain.name)

    def _answerable(self, ident: str) -> Operation:
        """The operation that something is to be answered for. Raises NotAccepted."""
        op = self.recorder.operations.get(ident)
        if op is None:
            view = self._view()
            close = nearest(
                ident, [*self.recorder.operations, *(d.name for d in (view.domains if view else ()))]
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
        data["at"] = show(self.watcher.now())
        if choice in NAMING_ANSWERS and op.question.vms:
            data["vms"] = sorted(op.question.vms.values())
        self._record_or_refuse(actor, facts.ANSWER, data)
        self._kick()

    async def answer_vm(self, ident: str, choice: str, name: str, actor: str) -> None:
        """Answer what the site asks of a VM of an operation's domain. Raises NotAccepted."""
        op = self._answerable(ident)
        self.check_in_sight()
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
        call = PlannedCall(
            key=f"answer:{question.id}:{vm.id}",
            kind="answer",
            vm=vm.id,
            name=name,
            args={"question": question.id, "choice": question.choices[label]},
            says=f'answer "{label}" to the question of {name}',
        )
        command = MakePlannedCall(operation=ident, domain=op.domain, call=call, asked_by=actor)
        data = {"operation": ident, "vm": name, "text": question.text, "choice": label}
        self._record_or_refuse(actor, "vm_answer", data)
        result, text = await self.loop.executor.execute(command)
        await self.recorder.record_surely("vm_answer_outcome", {**data, "result": result, "why": text})
        if result != "done":
            raise NotAccepted("unreachable" if result == "unreachable" else "rule", text)

    def note(self, actor: str, kind: str, data: dict[str, Any]) -> None:
        """Journal something that is no operation. Raises NotAccepted when that cannot be."""
        self._record_or_refuse(actor, kind, data)

    def check_in_sight(self) -> None:
        """Raises NotAccepted while the site is out of sight."""
        if self.watcher.error is not None:
            raise NotAccepted("unreachable", self.watcher.error)

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
            self.recorder.record(actor, kind, data)
        except JournalError as error:
            raise NotAccepted("failed", f"{error}; nothing new is accepted until it can be") from None
