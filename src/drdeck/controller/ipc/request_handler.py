"""Handling of clients' messages: every way it can go becomes one message back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import drdeck
from drdeck.controller.controller import Controller
from drdeck.controller.rehearsal import rehearse
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.text import some
from drdeck.sites.contract import SiteError, SiteUnreachable

from . import plan_control, training_control
from . import plan_messages as pm
from . import protocol as p
from .snapshots import Snapshots

log = logging.getLogger(__name__)

MOST_PAUSE_S = 3600.0
"""No client may have a controller begin nothing for longer."""


@dataclass(frozen=True)
class RequestHandler:
    """Carries requests out. `names`: who is attached with a console."""

    controller: Controller
    news: Snapshots
    names: Callable[[], tuple[str, ...]]
    stop: Callable[[], None]


async def answer(desk: RequestHandler, message: p.Call, who: str) -> p.Message:
    """The answer to a message of `who`; a "no" is a Refusal, whatever the reason."""
    try:
        return await _carry_out(desk, message, who)
    except NotAccepted as error:
        return p.Refusal(id=message.id, code=error.code, text=str(error))
    except SiteUnreachable as error:
        return p.Refusal(id=message.id, code="unreachable", text=str(error))
    except SiteError as error:
        return p.Refusal(id=message.id, code="failed", text=str(error))
    except Exception as error:
        log.exception("a request failed, which is a bug")
        text = f"drdeck failed at this request: {error!r}; see the controller's log"
        return p.Refusal(id=message.id, code="failed", text=text)


async def _carry_out(desk: RequestHandler, message: p.Call, who: str) -> p.Message:
    c = desk.controller
    match message:
        case p.Submit():
            return p.Submitted(id=message.id, operation=await c.desk.submit(message.request, who))
        case p.Answer():
            if message.vm is not None:
                await c.desk.answer_vm(message.operation, message.choice, message.vm, who)
            else:
                c.desk.answer(message.operation, message.choice, who, message.confirm)
        case p.Secret():
            c.give_password(message.password, message.of, who)
        case p.Stop():
            still = [op.id for op in c.recorder.open_operations()]
            if still and not message.force:
                raise NotAccepted("rule", f"operations are still open: {', '.join(still)}")
            if message.pause_s > 0:
                busy = await c.pause(min(message.pause_s, MOST_PAUSE_S))
                if busy:
                    text = f"still under way after {message.pause_s:g} s: {some(busy)}; nothing was ended"
                    raise NotAccepted("failed", text)
            asyncio.get_running_loop().call_later(0.05, desk.stop)
        case p.Inject():
            says = await training_control.inject(c, message, who)
            return p.Injected(id=message.id, says=says)
        case p.Jump():
            return p.Jumped(id=message.id, now=training_control.jump(c, message, who))
        case pm.PlanAsk():
            return await plan_control.ask(c, message)
        case pm.PlanRun() | pm.RunChange() | pm.RunAnswerAll() | pm.RunPitr() | pm.RunExit():
            return await plan_control.carry_out(c, message, who)
        case p.Ask():
            return await _ASKS.get(message.what, _unknown_question)(desk, message)
    return p.Done(id=message.id)


async def _unknown_question(desk: RequestHandler, ask: p.Ask) -> p.Message:
    raise NotAccepted("usage", f"{ask.what[:40]!r} is not a question")


def _named(ask: p.Ask) -> str:
    if ask.domain is None:
        raise NotAccepted("usage", f"the question {ask.what!r} needs a domain")
    return ask.domain


async def _ask_listing(desk: RequestHandler, ask: p.Ask) -> p.Message:
    return p.ListingAnswer(id=ask.id, listing=desk.news.listing())


async def _ask_show(desk: RequestHandler, ask: p.Ask) -> p.Message:
    name = desk.controller.desk.domain(_named(ask)).name
    return p.ShowAnswer(id=ask.id, detail=desk.news.detail(name), listing=desk.news.listing())


async def _ask_points(desk: RequestHandler, ask: p.Ask) -> p.Message:
    return p.PointsAnswer(id=ask.id, points=await desk.controller.desk.points(_named(ask)))


async def _ask_vms(desk: RequestHandler, ask: p.Ask) -> p.Message:
    view = desk.controller.view
    domains = view.domains if view else ()
    return p.VmsAnswer(id=ask.id, vms={d.name: tuple(vm.name for vm in d.vms) for d in domains})


async def _ask_preview(desk: RequestHandler, ask: p.Ask) -> p.Message:
    if ask.request is None:
        raise NotAccepted("usage", "a preview needs a request")
    return p.PreviewAnswer(id=ask.id, preview=await desk.controller.desk.preview(ask.request))


async def _ask_rehearsal(desk: RequestHandler, ask: p.Ask) -> p.Message:
    if ask.request is None:
        raise NotAccepted("usage", "a rehearsal needs a request")
    c = desk.controller
    preview = await c.desk.preview(ask.request)
    rehearsal = rehearse(
        preview,
        c.desk.domain(preview.request.domain),
        c.watcher.now(),
        read_only=c.read_only,
        operations=c.recorder.open_operations(),
        check=c.site.check,
    )
    return p.RehearsalAnswer(id=ask.id, rehearsal=rehearsal)


async def _ask_tasks(desk: RequestHandler, ask: p.Ask) -> p.Message:
    return p.TasksAnswer(id=ask.id, operations=desk.news.operations_of(None))


async def _ask_findings(desk: RequestHandler, ask: p.Ask) -> p.Message:
    return p.FindingsAnswer(id=ask.id, findings=await desk.controller.findings())


async def _ask_status(desk: RequestHandler, ask: p.Ask) -> p.Message:
    c = desk.controller
    status = p.Status(
        pid=c.pid,
        site=c.site.name,
        since=c.since,
        consoles=desk.names(),
        operations=tuple(op.id for op in c.recorder.open_operations()),
        version=drdeck.__version__,
    )
    return p.StatusAnswer(id=ask.id, status=status)


_ASKS: dict[str, Callable[[RequestHandler, p.Ask], Awaitable[p.Message]]] = {
    "listing": _ask_listing,
    "show": _ask_show,
    "points": _ask_points,
    "vms": _ask_vms,
    "preview": _ask_preview,
    "rehearsal": _ask_rehearsal,
    "tasks": _ask_tasks,
    "findings": _ask_findings,
    "status": _ask_status,
}
