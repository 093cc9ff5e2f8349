"""A login to a vCenter of the settings, with a password that is asked for at each one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drdeck.config.settings import VCenterSettings
from drdeck.model.passwords import OWN, Login
from drdeck.sites.contract import LoginRefused, PasswordSource

from .vcenter.connection import Connection, endpoint_of
from .vcenter.stale_sessions import StaleSessions


def connector(
    vcenter: VCenterSettings,
    passwords: PasswordSource,
    of: str = OWN,
    stale: StaleSessions | None = None,
) -> Callable[[], Awaitable[Connection]]:
    """A coroutine function that logs in and returns the connection; `passwords` is told how it went.

    `stale`: the stale sessions of all its connections one after another, which are ended before anybody
    looks.
    """
    endpoint = endpoint_of(vcenter)
    login = Login(
        of=of, user=vcenter.username, address=endpoint.server, command=tuple(vcenter.password_command)
    )

    async def connect() -> Connection:
        sent = False

        def password() -> str:
            nonlocal sent
            secret = passwords.get(login)
            sent = True
            return secret

        connection = Connection(
            endpoint, vcenter.username, password, call_s=float(vcenter.timeout), fence=stale
        )
        try:
            await connection.open()
            await connection.settle()  # before anybody looks what came of what was asked earlier
        except BaseException as error:
            if isinstance(error, LoginRefused) and sent:
                error.retry_s = passwords.refused(login, str(error))
            await connection.close()
            raise
        passwords.accepted(login)
        return connection

    return connect
