"""The vSphere site: replica VMs under a folder of a recovery vCenter, driven through pyVmomi."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from drdeck.config.settings import VCenterSettings, VSphereSettings
from drdeck.model.passwords import OWN, PROTECTED, Login
from drdeck.sites.contract import LoginRefused, PasswordSource
from drdeck.sites.vsphere.vcenter.connection import Connection, endpoint_of
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions

from .site import VSphereSite


def make_vsphere_site(
    name: str,
    settings: VSphereSettings,
    passwords: PasswordSource,
    me: str = "",
    state: Path | None = None,
) -> VSphereSite:
    """The site of these settings; `passwords` is asked at each login.

    `me`: the name under which this controller drives domains. `state`: where it keeps what it must still
    know after it was killed; None: nowhere.
    """

    me = me or f"drdeck#{secrets.token_hex(4)}"
    life = secrets.token_hex(8)
    fences: list[StaleSessions] = []

    def connector(vcenter: VCenterSettings, of: str) -> Callable[[], Awaitable[Connection]]:
        fence = StaleSessions(
            me, life
        )  # outlives each connection; of one life, for both sites may be in one vCenter
        fences.append(fence)
        endpoint = endpoint_of(vcenter)
        login = Login(
            of=of, user=vcenter.username, address=endpoint.server, command=tuple(vcenter.password_command)
        )

        async def connect() -> Connection:
            was_asked = False

            def password() -> str:
                nonlocal was_asked
                secret = passwords.get(login)
                was_asked = True
                return secret

            connection = Connection(
                endpoint, vcenter.username, password, call_s=float(vcenter.timeout), fence=fence
            )
            try:
                await connection.open()
                await connection.settle()  # before anybody looks what came of what was asked earlier
            except BaseException as error:
                if isinstance(error, LoginRefused) and was_asked:
                    passwords.refused(login, str(error))
                await connection.close()
                raise
            passwords.accepted(login)
            return connection

        return connect

    protected = settings.protected
    return VSphereSite(
        name,
        settings,
        connector(settings, OWN),
        connector(protected, PROTECTED) if protected is not None else None,
        me,
        state,
        fences,
    )
