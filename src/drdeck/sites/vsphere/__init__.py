"""The vSphere site: replica VMs under a folder of a recovery vCenter, driven through pyVmomi."""

from __future__ import annotations

import secrets
from pathlib import Path

from drdeck.config.settings import VSphereSettings
from drdeck.model.passwords import OWN, PROTECTED
from drdeck.sites.contract import PasswordSource
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions

from .login import connector
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
    life = secrets.token_hex(8)  # of one life, for both sites may be in one vCenter
    protected = settings.protected
    fences = [StaleSessions(me, life)]  # outlives each connection
    connect_protected = None
    if protected is not None:
        fences.append(StaleSessions(me, life))
        connect_protected = connector(protected, passwords, PROTECTED, fences[1])
    connect = connector(settings, passwords, OWN, fences[0])
    return VSphereSite(name, settings, connect, connect_protected, me, state, fences)
