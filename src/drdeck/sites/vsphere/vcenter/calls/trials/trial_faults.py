"""Faults of a test VM's clone and of its first power on, each in one sentence with its remedy.

Sources: VMware's API reference, VirtualMachine.CloneVM_Task and PowerOnVM_Task, and its pages of the faults.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Busy, Refused, SiteError
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words
from drdeck.sites.vsphere.vcenter.properties import object_id, properties

_ROOM = "make room there, or test fewer VMs with --vm"
_POINT = "choose another restore point with --to, or leave the VM out with --vm"
_REMEDIES: tuple[tuple[type, str], ...] = (
    (vim.fault.NoDiskSpace, _ROOM),
    (vim.fault.InsufficientStorageSpace, _ROOM),
    (
        vim.fault.InsufficientResourcesFault,
        "the resource pool or its hosts have no room for it: free some, name another pool in"
        " [sites.NAME.test], or test fewer VMs with --vm",
    ),
    (vim.fault.InvalidSnapshotFormat, f"its snapshot cannot be cloned from: {_POINT}"),
    (vim.fault.FileNotFound, f"a file that its snapshot stands on is gone: {_POINT}"),
    (vim.fault.CannotAccessVmComponent, "its host does not reach its files: look at the datastore there"),
    (vim.fault.CustomizationFault, "drdeck customizes no guest: look who asks for that"),
)


@contextlib.contextmanager
def explained(session: VCenterSession, aim: str) -> Iterator[None]:
    """Faults of what is done inside, with their remedies. Raises SiteError, and others as they are."""
    try:
        yield
    except vmodl.MethodFault as fault:
        error = _explained(session, fault, aim)
        if error is None:
            raise
        raise error from fault


def _explained(session: VCenterSession, fault: vmodl.MethodFault, aim: str) -> SiteError | None:
    """The fault in a sentence that says more than its own words; None: those are enough."""
    in_words = words(fault)
    if isinstance(fault, vim.fault.NoPermission):
        where = _name_of(session, fault.object)
        remedy = "ask its administrator for that privilege there (drdeck doctor lists all)"
        return Refused(f"Could not {aim}: {in_words} on {where}; {remedy}") if where else None
    if isinstance(fault, vim.fault.DuplicateName):
        # taken since the folder was looked at: the plan numbers it by the next look
        return Busy(f"Could not {aim}: its name is taken there ({in_words}); the next one is tried")
    if isinstance(fault, vim.fault.FileLocked):
        return Busy(
            f"Could not {aim}: a file of the replica is locked ({in_words}); its replication tool may work on"
            " it, which is waited for"
        )
    advice = next((advice for kind, advice in _REMEDIES if isinstance(fault, kind)), None)
    return Refused(f"Could not {aim}: {in_words}; {advice}") if advice is not None else None


def _name_of(session: VCenterSession, entity: vim.ManagedEntity | None) -> str:
    """The name of what a privilege is lacking on; empty where vCenter does not tell."""
    if entity is None:
        return ""
    try:
        reference = type(entity)(object_id(entity), session.stub)
        return str(properties(session, reference, "name")["name"])
    except (vmodl.MethodFault, KeyError):
        return ""
