"""The controller as a process of its own: one for each user and site, without a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping

from drdeck.config.settings import (
    Settings,
    TrainingSettings,
    VSphereSettings,
    password_site,
    settings_digest,
    unchecked,
)
from drdeck.controller.controller import Controller
from drdeck.controller.ipc.server import Server
from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.event_store import Journal, JournalError
from drdeck.controller.journal.recorder import SELF
from drdeck.controller.passwords.password_store import PasswordStore
from drdeck.model.plans.failover_plan import FailoverPlan
from drdeck.private_files import make_private
from drdeck.sites import make_site
from drdeck.sites.contract import SiteError

from .hardening import keep_memory_private
from .logs import USUAL_LEVEL, log_to
from .paths import Paths
from .site_lock import LockHolder, LockTaken, SiteLock, take
from .start_line import ON_OTHER_HOST, READY, RUNNING, WRONG_INPUT

log = logging.getLogger(__name__)
PlansOf = Callable[[], Mapping[str, FailoverPlan]]

IDLE_S = 30 * 60
"""With nobody attached and nothing to do for this long, the controller ends by itself."""


def serve(
    settings: Settings,
    site_name: str,
    paths: Paths,
    idle_s: float = IDLE_S,
    log_level: str = USUAL_LEVEL,
    file: str = "",
    file_digest: str = "",
    plans_of: PlansOf = dict,
) -> int:
    """Run a controller until told to stop; returns an exit code. Speaks one line on stdout.

    `file`: of the settings. `file_digest`: of the site as that has it, where `settings` have options of the
    command line too.
    `plans_of` reads the failover plans of the settings anew; it may raise SettingsError.
    """
    os.umask(0o077)
    keep_memory_private()
    try:
        make_private(paths.state)
        log_to(paths.log, log_level)
        lock = take(paths.lock)
        journal = Journal(paths.journal)
    except LockTaken as error:
        _say(_already_running(site_name, paths, error.holder))
        return 1
    except (OSError, JournalError) as error:
        _say(str(error))
        return 1
    try:
        asyncio.run(_serve(settings, site_name, paths, journal, idle_s, lock, file, file_digest, plans_of))
    except JournalError as error:
        _say(str(error))
        return 1
    except ValueError as error:
        log.exception("the controller cannot start")
        _say(WRONG_INPUT + str(error))
        return 1
    except (SiteError, OSError) as error:
        log.exception("the controller cannot start")
        _say(str(error))
        return 1
    finally:
        journal.close()
        lock.release()
    return 0


def _already_running(name: str, paths: Paths, holder: LockHolder | None) -> str:
    """The line for a lock that another process has."""
    if holder is None or holder.is_here:
        return f"a controller for {name}{RUNNING}"
    return (
        f"the controller for {name} is {holder.says()}, and has the state directory {paths.state}"
        f"{ON_OTHER_HOST}use drdeck there, or here --state on a local disk"
    )


async def _serve(
    settings: Settings,
    name: str,
    paths: Paths,
    journal: Journal,
    idle_s: float,
    lock: SiteLock,
    file: str,
    file_digest: str,
    plans_of: PlansOf,
) -> None:
    site_settings = settings.site(name)
    passwords = PasswordStore(password_site(name, site_settings))
    site = make_site(name, site_settings, paths.state, passwords)
    controller = Controller(site, journal, read_only=settings.read_only, passwords=passwords)
    controller.settings_file = file
    controller.settings_digest = file_digest or settings_digest(site_settings)
    controller.plans.inquiry.plans_of = plans_of
    if isinstance(site_settings, VSphereSettings | TrainingSettings):
        controller.networks = dict(site_settings.networks)
    if isinstance(site_settings, TrainingSettings):
        controller.scenario, controller.speed = site_settings.scenario, site_settings.speed
    stopped = asyncio.Event()
    server = Server(controller, paths.socket, stopped.set, paths.lasting)
    await server.start()
    loop = asyncio.get_running_loop()
    passwords.on_change = lambda: _tell(loop, controller)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with contextlib.suppress(JournalError):  # a full disk is no reason not to observe
        controller.recorder.record(SELF, facts.STARTED, {"pid": os.getpid(), "site": name})
        for place in unchecked(site_settings):
            controller.recorder.record(SELF, "certificate_not_checked", {"site": name, **place})
    _say(READY)
    log.info("serving %s as pid %s", name, os.getpid())
    running = asyncio.create_task(controller.run(), name="controller")
    waits = [
        running,
        asyncio.create_task(stopped.wait(), name="stopped"),
        asyncio.create_task(_idle(server, controller, idle_s), name="idle"),
        asyncio.create_task(lock.beat(), name="lock"),
    ]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    failed = running.exception() if running.done() and not running.cancelled() else None
    await server.close()
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    with contextlib.suppress(JournalError):
        journal.append(
            SELF, "controller_stopped", {"pid": os.getpid(), "error": repr(failed) if failed else None}
        )
    if failed is not None:
        raise OSError(f"the controller ended: {failed!r}")


def _tell(loop: asyncio.AbstractEventLoop, controller: Controller) -> None:
    """From whichever thread a login was tried in."""
    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody looks any more
        loop.call_soon_threadsafe(lambda: controller.on_change())


async def _idle(server: Server, controller: Controller, idle_s: float) -> None:
    """Return when nobody was attached and nothing was to do for `idle_s`."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    while loop.time() - since < idle_s:
        await asyncio.sleep(min(5.0, idle_s))
        if server.consoles or controller.maintenance.has_duties():
            since = loop.time()


def _say(text: str) -> None:
    """One line to whoever started us, who may be gone by now."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text.replace("\n", " ") + "\n")
        sys.stdout.flush()
    if text == READY:
        _let_go_of_starter()


def _let_go_of_starter() -> None:
    """From here on nothing of the starter's may hold us or be held by us."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        with contextlib.suppress(OSError):
            os.dup2(nothing, number)
    os.close(nothing)
