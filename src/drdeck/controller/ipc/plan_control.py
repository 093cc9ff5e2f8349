"""Clients' messages about failover plans, carried to the plans' desk."""

from __future__ import annotations

from drdeck.controller.controller import Controller
from drdeck.model.actions.confirming import NotAccepted

from . import plan_messages as pm
from .message_base import Message


async def ask(c: Controller, message: pm.PlanAsk) -> Message:
    """The answer to a question about plans. Raises NotAccepted, SiteError."""
    desk = c.plans
    match message.what:
        case "list":
            return pm.PlansAnswer(id=message.id, plans=desk.inquiry.summaries())
        case "check":
            if message.request is None:
                raise NotAccepted("usage", "a check needs a request")
            return pm.PlanCheckAnswer(id=message.id, check=await desk.inquiry.check(message.request))
        case "status":
            run = desk.runs.run(message.run)
            return pm.RunStatusAnswer(id=message.id, run=desk.runs.view_of(run))
        case "runs":
            return pm.RunsAnswer(id=message.id, runs=desk.runs.views())
        case "points":
            return pm.RunPointsAnswer(id=message.id, points=await desk.sessions.points(message.run))
        case "instant":
            if message.pitr is None:
                raise NotAccepted("usage", "an instant needs a request")
            run, instant = desk.runs.run(message.pitr.run), await desk.sessions.instant(message.pitr)
            return pm.CommonInstantAnswer(
                id=message.id,
                instant=instant,
                confirm=desk.sessions.confirm_of(run, instant),
                says=tuple(instant.says()),
            )
        case "exits":
            if message.exit is None:
                raise NotAccepted("usage", "a look at an exit needs a request")
            leaving, stays = desk.sessions.exits(message.exit)
            return pm.RunExitsAnswer(id=message.id, leaving=leaving, stays=stays)


async def carry_out(
    c: Controller,
    message: pm.PlanRun | pm.RunChange | pm.RunAnswerAll | pm.RunPitr | pm.RunExit,
    who: str,
) -> Message:
    """Carry out what somebody wants of a run. Raises NotAccepted, SiteError."""
    desk = c.plans
    match message:
        case pm.PlanRun():
            return pm.RunBegun(id=message.id, run=await desk.begin(message.request, who))
        case pm.RunChange():
            await _change_run(c, message, who)
            return pm.RunStatusAnswer(id=message.id, run=desk.runs.view_of(desk.runs.run(message.run)))
        case pm.RunAnswerAll():
            operations = desk.same_question(message.run, message.kind)
            refused: dict[str, str] = {}
            for op in operations:
                try:
                    c.desk.answer(op.id, message.choice, who)
                except NotAccepted as error:
                    refused[op.domain] = str(error)
            answered = {op.domain: op.id for op in operations if op.domain not in refused}
            if not answered:
                raise NotAccepted("rule", next(iter(refused.values())))
            return pm.OperationsAnswer(id=message.id, operations=answered, refused=refused)
        case pm.RunPitr():
            cannot = await desk.sessions.roll_back(message.request, who)
            return pm.OperationsAnswer(id=message.id, operations={}, refused=cannot)
        case pm.RunExit():
            others = desk.sessions.leave_sessions(message.request, who)
            kept = dict.fromkeys(others, "it is in the other list, and stays in its session")
            return pm.OperationsAnswer(id=message.id, operations={}, refused=kept)


async def _change_run(c: Controller, message: pm.RunChange, who: str) -> None:
    desk, run = c.plans, message.run
    match message.change:
        case "pause":
            desk.pause(run, who)
        case "resume":
            desk.resume(run, who)
        case "leave_out":
            desk.leave_out(run, message.domain, who)
        case "begin":
            desk.begin_anew(run, message.domain, message.confirm, who)
        case "release":
            desk.release(run, message.domain, who)
        case "take_over":
            await desk.take_over(run, message.confirm, who)
