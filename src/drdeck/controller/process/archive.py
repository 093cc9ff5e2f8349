"""Setting a site's state aside: nothing is deleted, and the site begins anew."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.private_files import open_private

from .paths import Paths

END_S = 15.0
"""How long a controller may take to end."""


@contextlib.asynccontextmanager
async def nobody_serving(paths: Paths) -> AsyncIterator[None]:
    """Ends the site's controller; inside the block none can start. Raises ControllerError, OSError."""
    with contextlib.suppress(Disconnected):
        async with Client(paths.socket) as client:
            await client.stop(force=True)
            await client.closed.wait()
    if not paths.state.is_dir():
        yield
        return
    handle = open_private(paths.lock, os.O_RDWR)
    try:
        await _locked(handle, paths)
        yield
    finally:
        os.close(handle)


async def _locked(handle: int, paths: Paths) -> None:
    """The controller holds the lock until its process ends."""
    try:
        async with asyncio.timeout(END_S):
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        raise ControllerError(
            "failed", f"the controller of {paths.state} did not end within {END_S:g} s; nothing was changed"
        ) from None


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
