"""Flows of a domain's way back: one dialog each, with the name typed where that is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from drdeck.console.dialogs.confirmation import Confirm, ConfirmByName
from drdeck.console.ports import Console
from drdeck.model.actions import BY_NAME, Request
from drdeck.model.confirming import Preview

from .flows import ask_and_submit


async def confirmed(app: Console, action: str, name: str) -> str | None:
    """Say what an action means for a domain, have it confirmed, and ask for it."""
    request = Request(action=action, domain=name)
    title = BY_NAME[action].label

    async def confirm(preview: Preview) -> Request | None:
        says = [f"Protected Domain {name}", *preview.says]
        warns = [*preview.warns, *preview.against, *(f"Not checked: {text}" for text in preview.not_checked)]
        if preview.tier < 3:
            return request if await app.ask(Confirm(title, says, title, warns=warns)) else None
        agreed = await app.ask(ConfirmByName(title, says, title, name, warns=warns))
        return msgspec.structs.replace(request, confirm=name) if agreed else None

    return await ask_and_submit(app, request, confirm)


def _flow(action: str) -> Callable[[Console, str], Awaitable[str | None]]:
    async def flow(app: Console, name: str) -> str | None:
        return await confirmed(app, action, name)

    return flow


FLOWS = {action: _flow(action) for action in ("cfo_cancel", "failover_undo", "failover_commit")}
"""Each returns the operation that it led to."""
