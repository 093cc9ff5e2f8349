"""Setting a site's state aside: nothing is deleted, and the site begins anew."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from drdeck.controller.ipc.client import ControllerError

from .paths import Paths
from .running import end_running
from .site_lock import LockTaken, take


@contextlib.asynccontextmanager
async def nobody_serving(paths: Paths) -> AsyncIterator[None]:
    """Ends the site's controller; inside the block none can start. Raises ControllerError, OSError."""
    await end_running(paths, force=True)
    if not paths.state.is_dir():
        yield
        return
    try:
        lock = take(paths.lock)
    except LockTaken as error:
        text = f"the controller of {paths.state} was started again by {error}; nothing was changed"
        raise ControllerError("failed", text) from None
    try:
        yield
    finally:
        lock.release()


async def set_aside(paths: Paths) -> Path | None:
    """Rename the site's state directory, journal and all; answers its new name, None where there is none.

    Raises ControllerError, OSError.
    """
    async with nobody_serving(paths):
        if not paths.state.is_dir():
            return None
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        kept, number = paths.state.with_name(f"{paths.state.name}.aside-{stamp}"), 1
        while kept.exists():
            number += 1
            kept = paths.state.with_name(f"{paths.state.name}.aside-{stamp}-{number}")
        paths.state.rename(kept)
        return kept
