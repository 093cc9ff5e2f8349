"""Finding the controller of a site, or starting it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import drdeck
from drdeck.config.settings import SiteSettings
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected, Kind
from drdeck.private_files import make_private, open_private

from .paths import Paths
from .start_line import ON_OTHER_HOST, READY, RUNNING, WRONG_INPUT

START_TIMEOUT_S = 30


async def attach(
    paths: Paths,
    arguments: list[str],
    kind: Kind = "cli",
    start: bool = True,
    site: SiteSettings | None = None,
    begun: Client | Future[str] | None = None,
) -> Client:
    """A connected client; the controller is started when none answers and `start` is set.

    `arguments` are those of `drdeck` that name settings, site and state; `site` is looked at before a start.
    `begun`: what `begin` has begun. Raises ControllerError.
    """
    if isinstance(begun, Client):
        with contextlib.suppress(Disconnected):  # it went away meanwhile: as if it had not been there
            await begun.connect()
            return begun
        await begun.close()
    if isinstance(begun, Future):
        line = await asyncio.wrap_future(begun)
    else:
        try:
            return await connect_running(paths, kind)
        except Disconnected:
            if not start:
                raise
        if site is not None:
            check(site)
        line = await asyncio.to_thread(_start, paths, arguments)
    if line.startswith(WRONG_INPUT):
        raise ControllerError("usage", line.removeprefix(WRONG_INPUT))
    try:
        return await connect_running(paths, kind)
    except Disconnected as error:
        if ON_OTHER_HOST in line:
            raise ControllerError("failed", line) from None
        if line.endswith(RUNNING):
            raise ControllerError(
                "failed",
                f"{line}, and does not answer: it may be paused or very busy; its log is {paths.log}",
            ) from None
        raise ControllerError("failed", f"the controller could not be started: {line or error}") from None


def begin(paths: Paths, arguments: list[str], site: SiteSettings) -> Client | Future[str]:
    """Begin what takes time, for an `attach` to come, while a console is imported.

    The controller that runs is asked for its list; else the start of one is begun, once the site was checked.
    Raises ControllerError.
    """
    for path in dict.fromkeys((paths.socket, paths.lasting)):
        client = Client(path, "console")
        if client.knock():
            return client
    check(site)
    begun: Future[str] = Future()

    def start() -> None:
        try:
            begun.set_result(_start(paths, arguments))
        except BaseException as error:  # whoever waits for it is to have it
            begun.set_exception(error)

    threading.Thread(target=start, name="start of the controller", daemon=True).start()
    return begun


def check(site: SiteSettings) -> None:
    """Refuse what no controller can be started with, before anything of it is written.

    Raises ControllerError.
    """
    # a controller that runs already was found to have a site
    from drdeck.sites import check_site
    from drdeck.sites.contract import SiteError

    try:
        check_site(site)
    except ValueError as error:
        raise ControllerError("usage", str(error)) from None
    except SiteError as error:
        raise ControllerError("failed", f"the controller could not be started: {error}") from None


async def connect_running(paths: Paths, kind: Kind = "cli") -> Client:
    """A connected client of a controller that runs. Raises Disconnected when none answers where it may be."""
    lost: Disconnected | None = None
    for path in dict.fromkeys((paths.socket, paths.lasting)):
        client = Client(path, kind)
        try:
            await client.connect()
            return client
        except Disconnected as error:
            lost = lost or error
    assert lost is not None
    raise lost


def _program() -> list[str]:
    """The words that run this drdeck again, which may be one that a single file has unpacked (.ci/bundle)."""
    place = Path(drdeck.__file__).parents[1]
    if (place / "__main__.py").is_file():
        return [sys.executable, str(place)]
    return [sys.executable, "-m", "drdeck"]


def _start(paths: Paths, arguments: list[str]) -> str:
    """Start the process and wait for its one line; returns what it said unless it is ready."""
    try:
        make_private(paths.state)
        with os.fdopen(open_private(paths.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            process = subprocess.Popen(
                [*_program(), *arguments, "controller", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        raise ControllerError(
            "failed",
            f"the controller cannot be started: {why}; make it writable, or use another --state directory",
        ) from None
    assert process.stdout is not None
    with process.stdout as stdout:
        if not select.select([stdout], [], [], START_TIMEOUT_S)[0]:
            return f"it was not ready within {START_TIMEOUT_S} s; see {paths.log}"
        line = stdout.readline().decode("utf-8", "replace").strip()
    return "" if line == READY else line or f"it ended at once; see {paths.log}"
