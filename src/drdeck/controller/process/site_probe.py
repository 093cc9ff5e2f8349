"""A look at a site that is not in the settings yet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from drdeck.config.settings import SiteSettings, VSphereSettings, password_site
from drdeck.controller.ipc.client import ControllerError, UnknownCertificate
from drdeck.controller.passwords.password_store import PasswordStore, UnusablePassword
from drdeck.private_files import make_private
from drdeck.sites import define_attributes, make_site
from drdeck.sites.contract import CertificateUntrusted, LoginRefused, SiteError, SiteUnreachable


async def look(name: str, settings: SiteSettings, ask: Callable[[], str]) -> str:
    """Connect once and say what was seen; `ask` is called when the password is not known, or was refused.

    Nobody is asked before the site is believed. Raises ControllerError when it cannot be seen,
    UnknownCertificate where a person may decide.
    """
    passwords = PasswordStore(password_site(name, settings))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            site = make_site(name, settings, Path(scratch), passwords)
            try:
                try:
                    await site.open()
                except LoginRefused:
                    passwords.give(ask())
                    await site.open()
                view = await site.observe()
            finally:
                await site.close()
        except CertificateUntrusted as error:
            raise UnknownCertificate(str(error), error.certificate) from None
        except SiteError as error:
            raise ControllerError("unreachable", str(error)) from None
        except UnusablePassword as error:
            raise ControllerError("usage", str(error)) from None
    return f"{name} answers: {len(view.domains)} Protected Domains"


async def define(
    name: str, settings: SiteSettings, state: Path, user: str | None, ask: Callable[[], str]
) -> str:
    """Define drdeck's attributes with an account that may; what was made, in words.

    `user`: an account other than that of the settings, whose password is asked for. Raises ControllerError.
    """
    try:
        make_private(state)  # the first claims are in a name that is kept there for the controller to come
    except OSError as error:
        raise ControllerError("failed", f"Could not use the state directory {state}: {error}") from None
    passwords = PasswordStore(password_site(name, settings), {} if user else None)
    if user is not None and isinstance(settings, VSphereSettings):
        settings = msgspec.structs.replace(settings, username=user, password_command=())
    try:
        try:
            return await define_attributes(settings, passwords, state)
        except LoginRefused:
            passwords.give(ask())
            return await define_attributes(settings, passwords, state)
    except ValueError as error:
        raise ControllerError("usage", str(error)) from None
    except SiteError as error:
        code = "unreachable" if isinstance(error, SiteUnreachable) else "rule"
        raise ControllerError(code, str(error)) from None
