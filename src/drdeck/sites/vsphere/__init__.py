"""The vSphere site: replica VMs under a folder of a recovery vCenter, driven through pyVmomi."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drdeck.settings import VCenterSettings, VSphereSettings

from .connection import Connection, Endpoint, in_thread
from .fence import Fence
from .site import VSphereSite

Password = Callable[[tuple[str, ...], str], str]


def make_vsphere_site(name: str, settings: VSphereSettings, password: Password, me: str = "") -> VSphereSite:
    """The site of these settings; `password(command, "" or "protected")` is asked at each login.

    `me`: the name under which this controller drives domains.
    """

    def connector(vcenter: VCenterSettings, of: str) -> Callable[[], Awaitable[Connection]]:
        fence = Fence()  # outlives each connection

        async def connect() -> Connection:
            secret = await in_thread(lambda: password(vcenter.password_command, of))
            endpoint = Endpoint(
                url=vcenter.url,
                ca_file=vcenter.ca_file,
                thumbprint=vcenter.thumbprint,
                insecure=vcenter.insecure,
            )
            connection = Connection(
                endpoint, vcenter.username, secret, call_s=float(vcenter.timeout), fence=fence
            )
            try:
                await connection.open()
            except BaseException:
                await connection.close()
                raise
            return connection

        return connect

    protected = settings.protected
    return VSphereSite(
        name,
        settings,
        connector(settings, ""),
        connector(protected, "protected") if protected is not None else None,
        me,
    )
