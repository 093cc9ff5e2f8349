"""Removal of what drdeck left: at a site, and in the state directory of this host."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator

from drdeck.config.settings import SiteSettings, password_site
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.passwords.password_store import PasswordStore, UnusablePassword
from drdeck.model.leftovers import Leftovers
from drdeck.sites import make_cleaning
from drdeck.sites.contract import LoginRefused, Refused, ResultUnknown, SiteCleaning, SiteError

from .paths import Paths
from .site_lock import LockTaken, take


class TraceRemoval:
    """Traces of drdeck as they are, and their removal, while no controller of the site can start."""

    def __init__(self, paths: Paths, site: SiteCleaning | None) -> None:
        self._paths, self._site = paths, site
        self.leaves_at_site = site is not None
        """False for kinds of sites at which drdeck keeps nothing"""

    async def look(self) -> Leftovers:
        """Traces at the site. Raises ControllerError."""
        if self._site is None:
            return Leftovers()
        with _refusals():
            return await self._site.look()

    async def clean_site(self) -> Leftovers:
        """Take away what is at the site; returns what it was. Raises ControllerError."""
        if self._site is None:
            return Leftovers()
        with _refusals():
            return await self._site.remove()

    def clean_state(self) -> bool:
        """Delete the state directory, journal and all; False where there is none. Raises OSError."""
        there = self._paths.state.is_dir()
        if there:
            shutil.rmtree(self._paths.state)
        if self._paths.socket.parent != self._paths.state:
            shutil.rmtree(self._paths.socket.parent, ignore_errors=True)
        return there


@contextlib.asynccontextmanager
async def trace_removal(
    name: str, settings: SiteSettings, paths: Paths, ask: Callable[[], str | None], at_site: bool = True
) -> AsyncIterator[TraceRemoval]:
    """Keep controllers of the site from starting, and connect (not so unless `at_site`).

    `ask` is called when the password is not known, and gives None where nobody can be asked.
    Raises ControllerError, also where a controller runs.
    """
    lock = None
    if paths.state.is_dir():
        try:
            lock = await asyncio.to_thread(take, paths.lock)
        except LockTaken as error:
            text = f"a controller of {name} runs ({error}); end it first: drdeck controller stop"
            raise ControllerError("rule", text) from None
    try:
        passwords = PasswordStore(password_site(name, settings))
        site = make_cleaning(settings, paths.state, passwords) if at_site else None
        try:
            if site is not None:
                with _refusals():
                    try:
                        await site.open()
                    except LoginRefused:
                        typed = ask()
                        if typed is None:
                            raise
                        passwords.give(typed)
                        await site.open()
            yield TraceRemoval(paths, site)
        finally:
            if site is not None:
                await site.close()
    finally:
        if lock is not None:
            lock.release()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """A site's "no" as a ControllerError."""
    try:
        yield
    except Refused as error:
        raise ControllerError("rule", str(error)) from None
    except ResultUnknown as error:
        raise ControllerError("unknown", str(error)) from None
    except SiteError as error:
        raise ControllerError("unreachable", str(error)) from None
    except UnusablePassword as error:
        raise ControllerError("usage", str(error)) from None
