"""What the guard asks vCenter about a deed: where a VM went to, and from where an account came."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from datetime import datetime

from pyVmomi import vim, vmodl

from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.inventory_facts import decode_name
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.properties import object_id, properties

from .event_log import addresses
from .fact_differences import Whereabouts
from .session_guard import ForeignChange

log = logging.getLogger(__name__)

LOOKUPS = 8
"""Accounts that are asked about at once."""
_SHOWN = 3


async def find_whereabouts(connection: Connection, vm: str) -> Whereabouts:
    """Where a VM is that left its domain: elsewhere, or out of the inventory. Raises SiteError."""
    return await connection.poll(functools.partial(_whereabouts, ident=vm), "look for a VM")


def _whereabouts(session: VCenterSession, ident: str) -> Whereabouts:
    machine = vim.VirtualMachine(ident, session.stub)
    try:
        found = properties(session, machine, "parent", "config.template")
        parent = found.get("parent")
        if parent is None:
            return Whereabouts(hidden=True)
        name = str(properties(session, parent, "name").get("name") or object_id(parent))
    except vmodl.fault.ManagedObjectNotFound:
        return Whereabouts()
    except vim.fault.NoPermission:
        return Whereabouts(hidden=True)
    return Whereabouts(object_id(parent), decode_name(name), template=bool(found.get("config.template")))


async def find_addresses(connection: Connection, foreign: Iterable[ForeignChange]) -> bool:
    """Find out from where those came whose address was not looked for; False: there are more of them."""
    own = frozenset({connection.commands.key, connection.polling.key})
    found: dict[str, str] = {}
    for one in foreign:
        if one.address is not None or not one.user:
            continue
        if one.user not in found:
            if len(found) == LOOKUPS:
                return False
            found[one.user] = await _address(connection, one.user, one.time, own)
        one.address = found[one.user]
    return True


async def _address(connection: Connection, user: str, at: datetime, own: frozenset[str]) -> str:
    try:
        found = await connection.poll(
            lambda session: addresses(session, user, at, own), f"look up from where {user} came"
        )
    except SiteError as error:
        log.info("%s", error)
        return ""
    more = f" or {len(found) - _SHOWN} other addresses" if found[_SHOWN:] else ""
    return " or ".join(found[:_SHOWN]) + more
