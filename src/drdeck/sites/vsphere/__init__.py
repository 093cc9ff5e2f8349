"""The vSphere site: replica VMs under a folder of a recovery vCenter, driven through pyVmomi.

`inventory` reads, `plan` decides purely what is due, `vcenter` carries it out, `record` is what stands
in the folder's attributes, `guard` tells who did what, `doctor` looks before, `view` is what consoles
show, and `watching` when that is due. Begin with `site`.
"""

from __future__ import annotations

import secrets
from datetime import UTC
from pathlib import Path

from drdeck.config.settings import VSphereSettings
from drdeck.model.passwords import OWN, PROTECTED
from drdeck.sites.contract import PasswordSource
from drdeck.sites.vsphere.inventory.inventory_facts import decode_name
from drdeck.sites.vsphere.record.leases.definitions import DefinitionsMade, define
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import child_folders, find_root
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions

from .login import connector
from .site import VSphereSite


async def define_attributes(settings: VSphereSettings, passwords: PasswordSource, me: str) -> DefinitionsMade:
    """Make, with the account of these settings, what the controller `me` cannot without the privilege.

    Raises LoginRefused, and SiteError.
    """
    connection = await connector(settings, passwords)()

    def make(session: VCenterSession) -> DefinitionsMade:
        root, now = find_root(session, settings.root), session.si.CurrentTime().astimezone(UTC)
        domains = {ident: decode_name(name) for ident, name in child_folders(session, root).items()}
        return define(session, domains, me, now)

    try:
        return await connection.command(make, "define drdeck's attributes")
    finally:
        await connection.close()


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
    stale_sessions = [StaleSessions(me, life)]  # outlives each connection
    connect_protected = None
    if protected is not None:
        stale_sessions.append(StaleSessions(me, life))
        connect_protected = connector(protected, passwords, PROTECTED, stale_sessions[1])
    connect = connector(settings, passwords, OWN, stale_sessions[0])
    return VSphereSite(name, settings, connect, connect_protected, me, state, stale_sessions)
