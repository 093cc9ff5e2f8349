"""A look at a site that is not in the settings yet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from drdeck.settings import SiteSettings
from drdeck.sites import make_site
from drdeck.sites.site import LoginRefused, SiteError

from .client import ControllerError
from .secrets import Passwords


async def look(name: str, settings: SiteSettings, ask: Callable[[], str]) -> str:
    """Connect once and say what was seen. Raises ControllerError when that fails."""
    passwords = Passwords(name)

    def password(command: tuple[str, ...], of: str) -> str:
        try:
            return passwords.get(command, of)
        except LoginRefused:
            if of:
                raise
            passwords.give(ask())
            return passwords.get(command)

    with tempfile.TemporaryDirectory() as scratch:
        try:
            site = make_site(name, settings, Path(scratch), password)
            try:
                await site.open()
                view = await site.observe()
            finally:
                await site.close()
        except SiteError as error:
            raise ControllerError("unreachable", str(error)) from None
    return f"{name} answers: {len(view.domains)} Protected Domains"
