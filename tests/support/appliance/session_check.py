"""The appliance's side of a session id: whether the vCenter that it is registered with knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyVmomi import SoapStubAdapter, vim

from tests.support.vcenter.access import trusting
from tests.support.vcenter.vcsim import VCenter


def known_at(vcenter: VCenter) -> Callable[[str], bool]:
    """Asks the vCenter in the name of the session, as the appliance must do; any thread may."""

    def is_known(session: str) -> bool:
        stub = SoapStubAdapter(url=vcenter.url, version="vim.version.version11", sslContext=trusting())
        stub.cookie = f'vmware_soap_session="{session}"'
        try:
            content: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
            return content.sessionManager.currentSession is not None
        except vim.fault.NotAuthenticated:
            return False
        finally:
            stub.DropConnections()

    return is_known
