"""A controller over a site in memory, and what is asked of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from drdeck.controller.controller import Controller
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from tests.support.fakesite import FakeSite
from tests.support.waiting import ended, eventually

ANNA = "anna@jump"


@contextlib.asynccontextmanager
async def controlling(site: FakeSite, file: Path, **options: Any) -> AsyncIterator[Controller]:
    """A controller that runs for the length of the block, then ends as by kill -9 (nothing is tidied)."""
    journal = Journal(file)
    controller = Controller(site, journal, **options)
    task = asyncio.create_task(controller.run())
    try:
        await eventually(lambda: controller.watcher.error is None or site.out_of_reach)
        yield controller
    finally:
        await ended(task)
        journal.close()


def complete(**changes: Any) -> Request:
    details = {"type": FailoverType.FORCE, "run_pitr": True, "confirm": "erp", **changes}
    return Request(action="cfo_complete", domain="erp", **details)


def state(controller: Controller, ident: str) -> OperationState:
    return controller.recorder.operations[ident].state
