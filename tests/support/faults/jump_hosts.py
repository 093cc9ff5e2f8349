"""Two jump hosts that drive one domain, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.journal.event_store import Journal
from drdeck.model.actions.request import Request
from tests.support.faults.live import Live, news
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

LEASE = "8s"


async def take_over(live: Live, confirm: str | None = None) -> None:
    """As soon as the driver's time is over, or, with the typed name, as soon as it is seen who drives."""
    deadline = time.monotonic() + 60
    while True:
        client = await live.alive()
        try:
            ident = await client.submit(Request(action="take_over", domain=DOMAIN, confirm=confirm))
            break
        except ControllerError as error:
            assert error.code in ("rule", "unreachable", "unconfirmed"), error
            assert time.monotonic() < deadline, error
            await news(client, 0.2)
    await live.until(lambda: live.ended(ident))


def outcomes(live: Live) -> list[str]:
    """What became of what was begun and not done."""
    journal = Journal(live.paths.journal, read_only=True)
    try:
        return [
            e.data["result"] for e in journal.events() if e.kind == "outcome" and e.data["result"] != "done"
        ]
    finally:
        journal.close()


def jump_hosts(directory: Path, vcenter: VCenter) -> tuple[Live, Live]:
    """Two state directories for one domain."""
    for name in ("jump1", "jump2"):
        (directory / name).mkdir(parents=True)
    anna = Live(directory / "jump1", vcenter, lease=LEASE)
    return anna, Live(directory / "jump2", vcenter, lease=LEASE, beside=anna)


def steps(live: Live) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
    return (
        live.start,
        live.complete,
        lambda: live.roll_back(live.points[0]),
        lambda: live.roll_back(live.points[1]),
        live.leave,
    )


async def go_on(live: Live, step: int) -> None:
    """Finish a step that another jump host has begun, and take those after it."""
    begun = {2: "pitr_run", 4: "pitr_exit"}.get(step, "cfo_complete")
    ident = next(op.id for op in live.operations() if op.action == begun)
    if step == 1:
        await live.until(live.active)
    else:
        await live.until(lambda: live.ended(ident) and (step == 4 or live.active()))
    for work in steps(live)[step + 1 :]:
        await work()
    await live.until(lambda: all(op.ended_at for op in live.operations()))
