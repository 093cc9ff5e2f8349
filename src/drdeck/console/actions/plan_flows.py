"""The flows of Failover Plans: from the choice of a plan to its run, and what is asked within one.

As in `flows`: each is a coroutine that waits for dialogs and for the controller, and nothing is asked of
the controller before the last dialog was confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from drdeck.console.dialogs.choose_plan import PlansDialog
from drdeck.console.dialogs.confirmation import Confirm, Notice
from drdeck.console.dialogs.plan_answers import AnswerDialog, ConfirmByWords, ExitDialog
from drdeck.console.dialogs.plan_decision import Decision, DecisionDialog
from drdeck.console.format import stamp
from drdeck.console.ports import Console
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.actions.action_table import READ_ONLY
from drdeck.model.domains import Domain, SessionState
from drdeck.model.plans.plan_check import PlanCheck
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import DomainInRun, RunView
from drdeck.model.text import clean, some

from .flows import NOTHING, refused

TITLE = "Failover Plan"
STALE = "stale"
FORCE_SAYS = (
    "You declare the protected site lost. drdeck contacts nothing there: complete ownership of these domains"
    " passes to this site at once."
)


async def begin(app: Console, marked: tuple[str, ...]) -> str | None:
    """Choose a plan (or take the marked domains), look at the site, decide. Returns the run's id."""
    if app.read_only:
        await refused(app, TITLE, READ_ONLY)
        return None
    request = RunRequest(domains=marked)
    if not marked:
        plan = await app.ask(PlansDialog(await app.client.plans.plans()))
        if plan is None:
            return None
        request = RunRequest(plan=plan)
    app.say("looking at the whole site ...")
    check = await app.client.plans.check(request)
    app.say("")
    while True:
        decision = await app.ask(DecisionDialog(request, check, app.client.plans.check))
        if decision is None:
            app.say(NOTHING)
            return None
        try:
            return await _decided(app, decision)
        except ControllerError as error:
            if error.code != STALE:
                raise
            await app.ask(
                Notice("The site has changed", [str(error), "It is looked at again, and asked anew."])
            )
        request = decision.request
        check = await app.client.plans.check(request)


async def _decided(app: Console, decision: Decision) -> str | None:
    """The confirmation that the look asks for, then the request."""
    check = decision.check
    request = msgspec.structs.replace(decision.request, preview=check.facts)
    if check.running_confirm and not request.except_running:
        agreed = await app.ask(
            ConfirmByWords(
                "Their protected VMs run",
                [f"Protected VMs of these are seen to run: {some([clean(d) for d in check.running], 12)}."],
                "Continue",
                check.running_confirm,
                warns=["After a Force they would run at both sites, and both would write."],
            )
        )
        if not agreed:
            app.say(NOTHING)
            return None
        request = msgspec.structs.replace(request, confirm_running=check.running_confirm)
    says = [_summary(check), *([f"It goes {clean(check.direction)}."] if check.direction else [])]
    if check.type_confirm:
        agreed = await app.ask(
            ConfirmByWords(
                f"{TITLE} {check.plan.name}", says, "Begin", check.type_confirm, warns=[FORCE_SAYS]
            )
        )
        request = msgspec.structs.replace(request, confirm=check.type_confirm)
    else:
        agreed = await app.ask(Confirm(f"{TITLE} {check.plan.name}", says, "Begin"))
    if not agreed:
        app.say(NOTHING)
        return None
    return await app.client.plans.begin(request)


def _summary(check: PlanCheck) -> str:
    """Everything that begins, in a sentence."""
    pitr = ", each with a PITR session" if check.run_pitr else ""
    waves = "in one wave" if len(check.waves) == 1 else f"in {len(check.waves)} waves"
    kind = str(check.type).capitalize()
    return f"{kind} failover of {check.number} domains with {check.vms} VMs, {waves}{pitr}."


async def pause(app: Console, run: RunView, pausing: bool) -> None:
    """Pause Plan and Resume Plan; neither stops what runs."""
    if pausing:
        says = [
            "Nothing new begins. What was started continues, and can be answered as ever.",
            "There is no undo.",
        ]
        if not await app.ask(Confirm("Pause Plan", says, "Pause Plan", key="y")):
            return
        await app.client.plans.change(run.run, "pause")
        return
    gate = next((w for w in run.waves if w.state == "gate"), None)
    text = f'The wave "{gate.name}" begins.' if gate is not None else "Domains that are not begun yet begin."
    if await app.ask(Confirm("Resume Plan", [text], "Resume Plan")):
        await app.client.plans.change(run.run, "resume")


def alike(run: RunView, kinds: dict[str, str], domain: DomainInRun) -> list[str]:
    """Other domains of a run whose operations ask the same kind of question. `kinds`: operation -> kind."""
    kind = kinds.get(domain.operation or "")
    return [
        d.name
        for d in run.domains
        if kind and d.name != domain.name and d.question and kinds.get(d.operation or "") == kind
    ]


async def answer(app: Console, run: RunView, domain: DomainInRun) -> None:
    """Answer what a domain of the run asks, or all that ask the same."""
    kinds = {o.id: o.question.kind for o in app.state.open_operations() if o.question is not None}
    if not domain.question or domain.operation is None:
        holds = run.pitr is not None and domain.name in run.pitr.barrier
        await (release(app, run, domain.name) if holds else _begin_anew(app, run, domain))
        return
    others = alike(run, kinds, domain)
    decided = await app.ask(AnswerDialog(domain.name, domain.question, domain.choices, others))
    if decided is None:
        return
    if not decided.everywhere:
        await app.client.answer(domain.operation, decided.choice)
        return
    result = await app.client.plans.answer_all(run.run, kinds[domain.operation], decided.choice)
    await _tell_refused(app, "Answer all alike", result.refused)


async def _begin_anew(app: Console, run: RunView, domain: DomainInRun) -> None:
    """A domain that was not begun, or whose protected site answers again: begin it anew, or leave it."""
    text = clean(domain.reason) or domain.state.words
    decided = await app.ask(AnswerDialog(domain.name, text, ("Begin anew", "Leave out"), ()))
    if decided is None:
        return
    if decided.choice == "Leave out":
        await leave_out(app, run, domain.name)
        return
    confirm = None
    if run.answers_again is not None:
        says = [f"The protected site answers again. Begin {clean(domain.name)} anyway?"]
        if not await app.ask(ConfirmByWords("Begin anew", says, "Begin", domain.name)):
            return
        confirm = domain.name
    await app.client.plans.change(run.run, "begin", domain.name, confirm)


async def leave_out(app: Console, run: RunView, domain: str) -> None:
    """Leave a domain out of its run; it may not join again."""
    says = [f"Leave {clean(domain)} out of {run.run}.", "What was started of it continues; it joins no more."]
    if await app.ask(Confirm("Leave Out", says, "Leave Out")):
        await app.client.plans.change(run.run, "leave_out", domain)


async def take_over(app: Console, run: RunView) -> None:
    """Drive a run from here that another controller began."""
    says = [
        f"{run.run} is driven by {clean(run.holder)}.",
        "What was started continues; what was not is started from here.",
    ]
    warns = ["If that controller is at work, it begins nothing more of this run."]
    if await app.ask(ConfirmByWords("Take Over", says, "Take Over", run.run, warns=warns)):
        await app.client.plans.change(run.run, "take_over", confirm=run.run)


async def release(app: Console, run: RunView, domain: str) -> None:
    """Let the others start without a domain that cannot be reverted."""
    says = [
        f"Release the barrier from {clean(domain)}: the others start without waiting for it.",
        "Its VMs are not at the instant at which the others will be.",
    ]
    if await app.ask(Confirm("Release", says, "Release")):
        await app.client.plans.change(run.run, "release", domain)


async def roll_back(app: Console, request: RunPitrRequest) -> bool:
    """Confirm and ask for a rollback of many sessions to one instant; True once it is asked for."""
    look = await app.client.plans.instant(request)
    reaching = look.instant.reaching
    says = [f"Roll {len(reaching)} domains back to {stamp(request.to)}.", *(look.says or look.instant.says())]
    warns = ["Nothing starts before all of them are off and reverted; then they start by waves."]
    if look.confirm:
        agreed = await app.ask(
            ConfirmByWords("Run PITR (all)", says, "Run PITR (all)", look.confirm, warns=warns)
        )
        request = msgspec.structs.replace(request, confirm=look.confirm)
    else:
        agreed = await app.ask(Confirm("Run PITR (all)", says, "Run PITR (all)", warns=warns))
    if not agreed:
        app.say(NOTHING)
        return False
    result = await app.client.plans.roll_back(request)
    await _tell_refused(app, "Run PITR (all)", result.refused)
    return True


def in_session(run: RunView, domains: Iterable[Domain]) -> list[Domain]:
    """Domains that a run began and that have a session, whatever it is doing."""
    names = {d.name for d in run.domains if d.operation is not None}
    return [d for d in domains if d.name in names and d.session is not None]


def sessions_of(run: RunView, domains: Iterable[Domain]) -> tuple[list[str], list[str]]:
    """Active sessions of domains that a run began: those that were rolled back, and those that were not."""
    sessions = [(d.name, d.session) for d in in_session(run, domains) if d.session is not None]
    active = [(name, session) for name, session in sessions if session.state is SessionState.ACTIVE]
    back = [name for name, session in active if session.rollbacks]
    return back, [name for name, _ in active if name not in back]


def exit_closed(run: RunView, domains: Sequence[Domain]) -> str | None:
    """The reason why no session of a run can be left now; None if one can."""
    if any(sessions_of(run, domains)):
        return None
    if in_session(run, domains):
        return "not while its sessions start, go back or end"
    return "no session of this run is active"


async def leave_sessions(app: Console, run: RunView) -> None:
    """Exit of many sessions: rolled back ones, or those whose PITR data is reset; never both at once."""
    back, not_back = sessions_of(run, app.state.domains)
    closed = exit_closed(run, app.state.domains)
    if closed is not None:
        await refused(app, "Exit PITR Sessions", closed)
        return
    instants = "" if run.pitr is None else f"They stay at {stamp(run.pitr.to)} or before."
    choice = await app.ask(ExitDialog(back, not_back, instants))
    if choice is None:
        return
    names = not_back if choice.reset else back
    request = RunExitRequest(run=run.run, reset=choice.reset, domains=tuple(names))
    if choice.reset:
        words = f"RESET {len(names)}"
        warns = ["All PITR data of these is reset: no instant of before can be reached again."]
        says = [f"Not rolled back: {some([clean(name) for name in names], 12)}."]
        if not await app.ask(ConfirmByWords("Exit without a rollback", says, "Reset", words, warns=warns)):
            return
        request = msgspec.structs.replace(request, confirm=words)
    result = await app.client.plans.leave_sessions(request)
    await _tell_refused(app, "Exit PITR Sessions", result.refused)


async def _tell_refused(app: Console, title: str, reasons: dict[str, str]) -> None:
    """The domains that the controller refused, each with its reason."""
    if reasons:
        says = [f"{clean(name)}: {clean(reason)}" for name, reason in reasons.items()]
        more = [f"and {len(says) - 8} more; the run's screen has them"] if len(says) > 8 else []
        await app.ask(Notice(f"{title}: {len(says)} refused", [*says[:8], *more]))
