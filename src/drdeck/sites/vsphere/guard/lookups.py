"""Questions of the guard to vCenter about a change: the new place of a VM, and the address of an account."""

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
from .session_memory import ForeignChange

log = logging.getLogger(__name__)

LOOKUPS = 8
"""Accounts that are asked about at once."""
_SHOWN = 3


async def find_whereabouts(connection: Connection, vm: str) -> Whereabouts:
    """The place of a VM that left its domain: elsewhere, or out of the inventory. Raises SiteError."""
    return await connection.poll(functools.partial(_whereabouts, ident=vm), "look for a VM")


def _whereabouts(session: VCenterSession, ident: str) -> Whereabouts:
    machine = vim.VirtualMachine(ident, session.stub)
    try:
        raw = properties(session, machine, "parent", "config.template")
        parent = raw.get("parent")
        if parent is None:
            return Whereabouts(hidden=True)
        name = str(properties(session, parent, "name").get("name") or object_id(parent))
    except vmodl.fault.ManagedObjectNotFound:
        return Whereabouts()
    except vim.fault.NoPermission:
        return Whereabouts(hidden=True)
    return Whereabouts(object_id(parent), decode_name(name), template=bool(raw.get("config.template")))


async def find_addresses(connection: Connection, foreign: Iterable[ForeignChange]) -> bool:
    """Find out from where those came whose address was not looked for; False: there are more of them."""
    own = frozenset({connection.commands.key, connection.polling.key})
    by_user: dict[str, str] = {}
    for change in foreign:
        if change.address is not None or not change.user:
            continue
        if change.user not in by_user:
            if len(by_user) == LOOKUPS:
                return False
            by_user[change.user] = await _address(connection, change.user, change.time, own)
        change.address = by_user[change.user]
    return True


async def _address(connection: Connection, user: str, at: datetime, own: frozenset[str]) -> str:
    try:
        places = await connection.poll(
            lambda session: addresses(session, user, at, own), f"look up from where {user} came"
        )
    except SiteError as error:
        log.info("%s", error)
        return ""
    more = f" or {len(places) - _SHOWN} other addresses" if places[_SHOWN:] else ""
    return " or ".join(places[:_SHOWN]) + more
