"""A session at a test vCenter, for what is tried without a site around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drdeck.sites.vsphere.vcenter.connection import Credentials, Endpoint, VCenterSession
from tests.support.vcenter.vcsim import VCenter


@contextmanager
def logged_in(vcenter: VCenter) -> Iterator[VCenterSession]:
    """A session of the vCenter's own user, ended afterwards."""
    endpoint = Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file))
    session = VCenterSession(endpoint, Credentials(vcenter.user, vcenter.password))
    session.log_in()
    try:
        yield session
    finally:
        session.close()
