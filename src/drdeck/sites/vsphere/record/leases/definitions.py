"""Definitions of attributes and first claims: what is to be made once for a controller to drive a domain.

Why so: AddCustomFieldDef and RemoveCustomFieldDef want Global.ManageCustomFields at the root folder, which an
administrator gives to few; SetField wants Global.SetCustomField on the folder alone (API reference:
CustomFieldsManager). With all definitions there, only taking a domain over from another controller makes one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from pyVmomi import vim

from drdeck.sites.vsphere.record.attribute_names import CHUNKED, LEASE, RUN, SINGLE
from drdeck.sites.vsphere.record.attributes import part_name
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import properties

from .lease import CLAIM, Leases, read_fields
from .lease_record import LeaseRecord, parse

PARTS = 8
"""Attributes of each list that are made beforehand: room for some 180 VM ids; longer lists want more."""
ATTRIBUTES = (*SINGLE, *(part_name(name, part) for name in CHUNKED for part in range(PARTS)))
NEEDED = frozenset(name for name in ATTRIBUTES if not name.startswith(RUN))
"""Those without which an act on a domain would be refused; a run of a plan goes on without its notes."""


class DefinitionsMade(NamedTuple):
    """The result of a setting up of definitions.

    `attributes`: how many were made; `claimed`: domains whose first claim was made for this controller;
    `elsewhere`: those that another one drove last."""

    attributes: int
    claimed: tuple[str, ...]
    elsewhere: tuple[str, ...]


def _fields(session: VCenterSession) -> dict[str, int]:
    fields = properties(session, session.content.customFieldsManager, "field").get("field", ())
    return {f.name: int(f.key) for f in fields if f.managedObjectType in (None, vim.Folder)}


def all_defined(session: VCenterSession, folders: Collection[str], me: str) -> bool:
    """True where acts on these domains have nothing to define, for the controller `me` has a claim on each.

    With one call, since what is seen of attributes may be older than a claim made just now. Raises what
    pyVmomi raises.
    """
    fields, values = read_fields(session, folders)
    leases = {ident: parse(texts.get(fields.get(LEASE, -1))) for ident, texts in values.items()}
    claims = {f"{CLAIM}{ident}.{lease.g}" for ident, lease in leases.items() if lease and lease.by == me}
    return len(claims) == len(leases) and {*NEEDED, *claims} <= fields.keys()


def define(session: VCenterSession, domains: Mapping[str, str], me: str, now: datetime) -> DefinitionsMade:
    """Make what is missing, for domains (folder id -> name) that the controller `me` is to drive.

    Raises what pyVmomi raises.
    """
    manager, count = session.content.customFieldsManager, 0
    fields = _fields(session)
    for name in ATTRIBUTES:
        if name not in fields:
            with contextlib.suppress(vim.fault.DuplicateName):
                manager.AddFieldDefinition(name=name, moType=vim.Folder)
                count += 1
    leases, claimed, elsewhere = Leases(me, lambda: now), [], []
    for folder, name in domains.items():
        reading = leases.read(session, folder)
        if reading.value is not None and reading.value.by != me:
            elsewhere.append(name)
        elif reading.value is None and not reading.claims:
            with contextlib.suppress(vim.fault.DuplicateName):
                manager.AddFieldDefinition(name=f"{CLAIM}{folder}.1", moType=vim.Folder)
                lease = LeaseRecord(by=me, g=1, since=now, until=now)
                text, key = msgspec.json.encode(lease).decode(), _fields(session)[LEASE]
                manager.SetField(entity=vim.Folder(folder, session.stub), key=key, value=text)
                claimed.append(name)
    return DefinitionsMade(count, tuple(claimed), tuple(elsewhere))
