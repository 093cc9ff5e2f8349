"""Findings about Test Failover: its folder, its networks, and what drdeck's user may do there only.

The strongest guard against destroying the wrong VM is a role that cannot: VirtualMachine.Inventory.Delete on
the test folder only.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyVmomi import vim

from drdeck.config.settings import TrialSettings
from drdeck.model.alarms import Finding
from drdeck.sites.contract import SiteError
from drdeck.sites.vsphere.inventory.trial_inventory import TrialInventory
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.vcenter.connection import Connection

from .privileges import (
    ASSIGN,
    EDIT_DEVICE,
    POWER_OFF,
    POWER_ON,
    MissingPrivilege,
    Need,
    Place,
    lacks,
    lacks_what,
    network_place,
)

CLONE = "VirtualMachine.Provisioning.Clone"
CREATE = "VirtualMachine.Inventory.CreateFromExisting"
DELETE = "VirtualMachine.Inventory.Delete"
ADVANCED = "VirtualMachine.Config.AdvancedConfig"
TO_POOL = "Resource.AssignVMToPool"
ALLOCATE = "Datastore.AllocateSpace"
REMOVE_DISK = "VirtualMachine.Config.RemoveDisk"
"""Taken for removing a virtual disk from a VM (API reference: VirtualMachine.ReconfigVM_Task)."""
SUBJECT = "tests"
_IN_FOLDER = (CREATE, DELETE, EDIT_DEVICE, ADVANCED, POWER_ON, POWER_OFF)
_ACTIONS = ("Test Failover",)
Required = list[tuple[Need, Sequence[Place]]]


def _required(
    settings: TrialSettings, trials: TrialInventory, domain_states: Sequence[DomainState]
) -> Required:
    folder = Place(vim.Folder, trials.folder, settings.folder, True)
    vms = [vm for s in domain_states for vm in s.vms]
    required: Required = [(Need(name, "test folder", _ACTIONS), [folder]) for name in _IN_FOLDER]
    sources = [Place(vim.VirtualMachine, vm.id, vm.name) for vm in vms]
    required.append((Need(CLONE, "domain", _ACTIONS), sources))
    networks = [network_place(n.id, n.name, True) for n in trials.networks.values()]
    required.append((Need(ASSIGN, "network", _ACTIONS), networks))
    stores = sorted({store for vm in vms for store in vm.datastores})
    places = [Place(vim.Datastore, store, f"datastore {store}", True) for store in stores]
    required.append((Need(ALLOCATE, "datastore", _ACTIONS), places))
    if trials.pool:
        pool = Place(vim.ResourcePool, trials.pool, settings.pool, True)
        required.append((Need(TO_POOL, "pool", _ACTIONS), [pool]))
    return [(need, where) for need, where in required if where]


async def lacking(
    connection: Connection,
    user: str,
    settings: TrialSettings,
    trials: TrialInventory,
    domain_states: Sequence[DomainState],
) -> str | None:
    """Privileges that a test would lack, in a sentence; None: none. Raises SiteError."""
    return _sentence(user, await _ask(connection, _required(settings, trials, domain_states)))


async def lacking_to_detach(
    connection: Connection, user: str, trials: TrialInventory, s: DomainState
) -> str | None:
    """The same of detaching the disks of others from the test VMs of a domain that are left over."""
    left = [facts.vm for ident, facts in trials.vms.items() if ident in s.record.left and facts.foreign]
    places = [Place(vim.VirtualMachine, vm.id, vm.name) for vm in left]
    needs = [Need(name, "test VM", ("Detach Foreign Disks",)) for name in (REMOVE_DISK, DELETE)]
    return _sentence(user, await _ask(connection, [(need, places) for need in needs if places]))


def _sentence(user: str, missing: list[MissingPrivilege]) -> str | None:
    if not missing:
        return None
    remedy = "nothing was begun; have that granted (drdeck doctor lists all) and ask again"
    return f"{lacks_what(user, missing)}; {remedy}"


async def _ask(connection: Connection, required: Required) -> list[MissingPrivilege]:
    return await connection.command(
        lambda session: lacks(session, required), "tell what drdeck's user may do in a test"
    )


async def findings(
    connection: Connection,
    user: str,
    settings: TrialSettings | None,
    trials: TrialInventory | None,
    domain_states: Sequence[DomainState],
) -> list[Finding]:
    """A line for each thing that is wrong, or one that all is right; none without a test folder."""
    if settings is None:
        return []
    if trials is None or not trials.folder:
        text = trials.problem if trials is not None else "the test folder was not seen yet"
        return [Finding.fail(SUBJECT, text, "correct [sites.NAME.test], or make the folder in vCenter")]
    lines = []
    if trials.problem:
        remedy = (
            "make an isolated one, without uplink, for test VMs alone; or name another one in the settings"
        )
        lines.append(Finding.fail(SUBJECT, trials.problem, remedy))
    root = Place(vim.Folder, domain_states[0].root, "the root folder", True) if domain_states else None
    try:
        missing = await _ask(connection, _required(settings, trials, domain_states))
        kept_safe = root is None or await _ask(connection, [(Need(DELETE, "root", ()), [root])])
    except SiteError as error:
        return [*lines, Finding.warn(SUBJECT, f"privileges could not be checked: {error}")]
    lines += [
        Finding.fail(
            SUBJECT,
            f"{user} lacks {lack.need.privilege} on {lack.where()}: Test Failover would be refused",
            f"grant {lack.need.privilege} on {lack.where()}",
        )
        for lack in missing
    ]
    if not kept_safe:
        lines.append(
            Finding.fail(
                SUBJECT,
                f"{user} has {DELETE} on the root folder, where no VM may ever be destroyed",
                f"take {DELETE} away there, and grant it on {settings.folder} only",
            )
        )
    ready = f"{settings.folder} is ready for tests, and {user} may delete there only"
    return lines or [Finding.ok(SUBJECT, ready)]
