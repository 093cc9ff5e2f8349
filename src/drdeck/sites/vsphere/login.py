"""A login to a vCenter of the settings, with a password that is asked for at each one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pyVmomi import vim

from drdeck.config.settings import VCenterSettings
from drdeck.model.passwords import OWN, Login
from drdeck.sites.contract import LoginRefused, PasswordSource, SiteError

from .vcenter.connection import Connection, endpoint_of, translate
from .vcenter.stale_sessions import StaleSessions


def connector(
    vcenter: VCenterSettings,
    passwords: PasswordSource,
    of: str = OWN,
    stale: StaleSessions | None = None,
) -> Callable[[], Awaitable[Connection]]:
    """A coroutine function that logs in and returns the connection; `passwords` is told how each login of
    it goes, whenever that is.

    `stale`: the stale sessions of all its connections one after another, which are ended before anybody
    looks.
    """
    endpoint = endpoint_of(vcenter)
    login = Login(
        of=of, user=vcenter.username, address=endpoint.server, command=tuple(vcenter.password_command)
    )

    def hears(refused: vim.fault.InvalidLogin | None) -> SiteError | None:
        if refused is None:
            passwords.accepted(login)
            return None
        why = translate(refused, "log in", f"vCenter {endpoint.server}")
        if isinstance(why, LoginRefused):
            why.retry_s = passwords.refused(login, str(why))
        return why

    async def connect() -> Connection:
        connection = Connection(
            endpoint,
            vcenter.username,
            lambda: passwords.get(login),
            call_s=float(vcenter.timeout),
            stale_sessions=stale,
            hears=hears,
        )
        try:
            await connection.open()
            await connection.settle()  # before anybody looks what came of what was asked earlier
        except BaseException:
            await connection.close()
            raise
        return connection

    return connect
