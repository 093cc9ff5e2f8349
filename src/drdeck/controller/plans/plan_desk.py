"""Requests about failover plans and runs: looked into, refused or journaled. Every rule stands here."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from drdeck.controller.asking import requests
from drdeck.controller.journal import runs as run_facts
from drdeck.controller.journal.operations import Operation, Question
from drdeck.controller.journal.runs import RunRecord
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.plans.plan_check import PlanCheck, Possible
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.plans.run_views import NOT_BEGUN, InRunState, Needs
from drdeck.model.text import some
from drdeck.model.times import show
from drdeck.model.views import SiteView

from .plan_inquiry import PlanInquiry
from .plan_look import frozen_plan, in_use
from .run_book import RunBook
from .run_keeper import RunKeeper
from .run_sessions import RunSessions


class PlanDesk:
    """The face of the plans: `inquiry` looks, `runs` shows, `sessions` rolls back and leaves."""

    def __init__(
        self, keeper: RunKeeper, view: Callable[[], SiteView | None], check_in_sight: Callable[[], None]
    ) -> None:
        self.keeper, self.recorder, self.watcher = keeper, keeper.recorder, keeper.watcher
        self.inquiry = PlanInquiry(keeper, view, check_in_sight)
        self.runs = RunBook(self.inquiry)
        self.sessions = RunSessions(self.runs)

    async def begin(self, request: RunRequest, actor: str) -> str:
        """Begin a run: once this returns its id it is in the journal. Raises NotAccepted."""
        self.runs.refuse_read_only()
        if request.type is None:
            raise NotAccepted("usage", "a run needs a failover type: regular, planned or force")
        check, waves = await self.inquiry.look(request)
        if check.refusal:
            raise NotAccepted("rule", check.refusal)
        self._consented(request, check)
        for (
            d
        ) in check.domains:  # nothing is waited for from here on: of two runs at a time one sees the other
            other = self._run_of(d.name)
            if other is not None and d.possible in (Possible.YES, Possible.WARNING) and not d.left_out:
                raise NotAccepted("rule", f'"{d.name}" is {in_use(other)}')
        ident = f"run-{secrets.token_hex(3)}"
        frozen = msgspec.to_builtins(frozen_plan(check, waves, actor))
        self.runs.record(
            actor, run_facts.BEGUN, {"run": ident, "frozen": frozen, "at": show(self.watcher.now())}
        )
        self.keeper.kick()
        return ident

    def _consented(self, request: RunRequest, check: PlanCheck) -> None:
        """Raises NotAccepted for a consent that is not there, or that was given to something else."""
        if request.preview is not None:
            differs = requests.changes(request.preview, check.facts)
            if differs:
                raise NotAccepted("stale", f"things changed since they were shown: {'; '.join(differs)}")
        if check.type_confirm and request.confirm != check.type_confirm:
            typed = "it was not given" if request.confirm is None else f"{request.confirm!r} is not it"
            raise NotAccepted(
                "unconfirmed",
                f"Force Failover of {check.number} domains takes the ownership without asking the protected"
                " site; this must be confirmed with the plan and the number,"
                f' "{check.type_confirm}" ({typed})',
            )
        if not check.type_confirm and request.confirm not in (None, f"{check.plan.name} {check.number}"):
            right = f"{check.plan.name} {check.number}"
            raise NotAccepted("unconfirmed", f'{request.confirm!r} was typed; this run is "{right}"')
        if check.running_confirm and request.confirm_running != check.running_confirm:
            running_typed = request.confirm_running
            typed = "it was not given" if running_typed is None else f"{running_typed!r} is not it"
            raise NotAccepted(
                "unconfirmed",
                f"protected VMs are seen to run of {some(check.running, 10)}: a Force makes them run twice;"
                f' this must be confirmed with "{check.running_confirm}" ({typed}), or leave these domains'
                " out (--except-running)",
            )

    def _run_of(self, name: str) -> RunRecord | None:
        """The open run that a domain belongs to."""
        return next(
            (
                run
                for run in self.keeper.runs()
                if not run.ended
                and name not in run.left_out
                and any(d.name == name and d.begins for d in run.frozen.domains)
            ),
            None,
        )

    def pause(self, ident: str, actor: str) -> None:
        """Begin nothing new; what was begun goes on. Raises NotAccepted."""
        run = self.runs.open_run(ident)
        if run.paused is not None:
            raise NotAccepted("rule", f"{run.id} is paused already: {run.paused}")
        data = {"run": run.id, "why": f"paused by {actor}", "at": show(self.watcher.now())}
        self.runs.record(actor, run_facts.PAUSED, data)
        self.keeper.kick()

    def resume(self, ident: str, actor: str) -> None:
        """Go on after a pause, or let the wave begin that waits for a word. Raises NotAccepted."""
        run = self.runs.open_run(ident)
        if run.paused is not None:
            self.runs.record(actor, run_facts.RESUMED, {"run": run.id, "at": show(self.watcher.now())})
        else:
            waves = self.keeper.decision(run).waves
            gate = next((n for n, wave in enumerate(waves) if wave.state == "gate"), None)
            if gate is None:
                raise NotAccepted("rule", f"{run.id} is neither paused nor at the gate of a wave")
            self.runs.record(
                actor, run_facts.GATE, {"run": run.id, "wave": gate, "at": show(self.watcher.now())}
            )
        self.keeper.kick()

    async def take_over(self, ident: str, confirm: str | None, actor: str) -> str:
        """Drive a run from here that another controller began; its id. Raises NotAccepted."""
        self.runs.refuse_read_only()
        run = await self.keeper.takeover.take(ident, confirm, actor)
        self.keeper.kick()
        return run

    def leave_out(self, ident: str, name: str | None, actor: str) -> None:
        """Leave a domain out that has not begun, or has stopped; its operation, if any, stays its own.

        Raises NotAccepted.
        """
        run = self.runs.open_run(ident)
        row = self.runs.row(run, name)
        if row.state not in (*NOT_BEGUN, InRunState.QUESTION, InRunState.UNKNOWN, InRunState.FAILED):
            raise NotAccepted("rule", f'"{row.name}" cannot leave {run.id} any more: {row.state.words}')
        data = {"run": run.id, "domain": row.name, "at": show(self.watcher.now())}
        self.runs.record(actor, run_facts.LEFT_OUT, data)
        self.keeper.kick()

    def begin_anew(self, ident: str, name: str | None, confirm: str | None, actor: str) -> None:
        """Try a domain again that was refused, failed, or whose site answers. Raises NotAccepted."""
        run = self.runs.open_run(ident)
        row = self.runs.row(run, name)
        if row.needs is not Needs.BEGIN_ANEW and row.state is not InRunState.FAILED:
            raise NotAccepted("rule", f'"{row.name}" did not stop in {run.id}: {row.state.words}')
        stop = run.stopped.get(row.name)
        again = stop is not None and stop.code == run_facts.ANSWERS_AGAIN
        if again and confirm != row.name:
            text = f'its protected site answers again; this must be confirmed with its name, "{row.name}"'
            raise NotAccepted("unconfirmed", text)
        data = {"run": run.id, "domain": row.name, "at": show(self.watcher.now()), "consent": again}
        self.runs.record(actor, run_facts.ANEW, data)
        self.keeper.kick()

    def release(self, ident: str, name: str | None, actor: str) -> None:
        """Let the others start without a domain that cannot be reverted. Raises NotAccepted."""
        self.runs.refuse_read_only()
        run = self.runs.own(ident)
        batch = run.batch_of("pitr_run")
        holding = () if batch is None else self.keeper.holding(run, batch)
        if batch is None or name not in holding:
            holder_words = f"it is held by {some(holding, 8)}" if holding else "nothing holds it"
            raise NotAccepted("rule", f'"{name}" does not hold the barrier of {run.id}: {holder_words}')
        data = {"run": run.id, "batch": batch.id, "domain": name, "at": show(self.watcher.now())}
        self.runs.record(actor, run_facts.RELEASED, data)
        self.keeper.kick()

    def same_question(self, ident: str, kind: str) -> list[Operation]:
        """The open operations of a run that ask a question of a kind. Raises NotAccepted."""
        run = self.runs.own(ident)
        asking = [
            op
            for op in self.recorder.open_operations()
            if op.id in run.operations and op.question is not None and _is_kind(op.question, kind)
        ]
        if not asking:
            kinds = sorted(
                {
                    op.question.kind
                    for op in self.recorder.open_operations()
                    if op.id in run.operations and op.question is not None
                }
            )
            there = f"it asks of {', '.join(kinds)}" if kinds else "nothing of it asks"
            raise NotAccepted("rule", f"no domain of {run.id} asks of {kind!r}: {there}")
        return asking


def _is_kind(question: Question, kind: str) -> bool:
    """A kind of the question itself, or "not_ready": VMs that were started and are not ready."""
    if kind == "not_ready":
        return bool(
            question.kind == "site" and (question.id.startswith("ready:") or ":power_on:" in question.id)
        )
    return bool(question.kind == kind)
