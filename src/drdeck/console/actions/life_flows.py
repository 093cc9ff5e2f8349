"""Flows of a domain's way back: one dialog each, with the name typed where that is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from drdeck.console.dialogs.confirmation import Confirm, ConfirmByName
from drdeck.console.dialogs.life.begin_trial import BeginTest
from drdeck.console.dialogs.life.end_trial import EndTest
from drdeck.console.dialogs.life.return_list import ReturnList
from drdeck.console.ports import Console
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.actions.confirming import Preview
from drdeck.model.actions.request import Request
from drdeck.model.returning.checklist import open_ways, return_steps

from .flows import NOTHING, ask_and_submit, domain_of


async def confirmed(app: Console, request: Request) -> str | None:
    """Say what an action means for a domain, have it confirmed, and ask for it."""
    name, title = request.domain, BY_NAME[request.action].label

    async def confirm(preview: Preview) -> Request | None:
        says = [f"Protected Domain {name}", *preview.says]
        warns = [*preview.warns, *preview.against, *(f"Not checked: {text}" for text in preview.not_checked)]
        if preview.tier < 3:
            return request if await app.ask(Confirm(title, says, title, warns=warns)) else None
        if preview.against:
            doubt = ConfirmByName(title, ["Warning:"], f"{title} anyway", name, warns=preview.against)
            if not await app.ask(doubt):
                return None
        agreed = await app.ask(ConfirmByName(title, says, title, name, warns=warns))
        consented = msgspec.structs.replace(request, confirm=name, even_though=preview.against_names)
        return consented if agreed else None

    return await ask_and_submit(app, request, confirm)


async def show_way_back(app: Console, name: str) -> str | None:
    """Show what is open now on a domain's way back, and the checklist of it."""
    domain = app.state.domain(name)
    if domain is None:
        return None
    app.say("looking at the protected site ...")
    preview = await app.client.preview(Request(action="failover_undo", domain=name))
    app.say("")
    ways = open_ways(domain, app.now(), app.state.read_only)
    await app.ask(ReturnList(name, return_steps(domain, preview.protected), ways))
    return None


async def test_failover(app: Console, name: str) -> str | None:
    """Choose point, networks and VMs of a test, and start it."""
    domain = await domain_of(app, name)
    if domain is None:
        return None
    place = ("test_start", name)
    dialog = BeginTest(domain, app.now(), app.client.preview, app.client.points, app.drafts.get(place))
    request = await app.ask(dialog)
    app.drafts[place] = dialog.draft
    if request is None:
        app.say(NOTHING)
        return None
    return await confirmed(app, request)


async def end_test(app: Console, name: str) -> str | None:
    """End the test of a domain, with what came of it and a note."""

    async def confirm(preview: Preview) -> Request | None:
        verdict = await app.ask(EndTest([f"Protected Domain {name}", *preview.says], preview.warns))
        if verdict is None:
            return None
        return msgspec.structs.replace(preview.request, result=verdict.result, note=verdict.note)

    return await ask_and_submit(app, Request(action="test_end", domain=name), confirm)


def _flow(action: str) -> Callable[[Console, str], Awaitable[str | None]]:
    async def flow(app: Console, name: str) -> str | None:
        return await confirmed(app, Request(action=action, domain=name))

    return flow


ACTIONS = (
    "cfo_cancel",
    "cfo_resume",
    "failover_undo",
    "failover_commit",
    "domain_failback",
    "domain_restore",
    "domain_release",
    "release_cancel",
    "test_detach",
    "test_adopt",
)
FLOWS = {action: _flow(action) for action in ACTIONS} | {
    "way_back": show_way_back,
    "test_start": test_failover,
    "test_end": end_test,
}
"""Each returns the operation that it led to."""
