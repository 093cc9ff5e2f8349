"""The test folder as vCenter shows it: test VMs, and the isolated networks that the settings name.

It is outside the root, so that the long poll does not see it; it is read by a call of its own, again and
again while a test goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from pyVmomi import vim

from drdeck.config.settings import TrialSettings
from drdeck.model.text import brief
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.calls.network_cards import backing_key, card_networks, network_reference
from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import MARK, MARK_OF, extra_config, foreign_files
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.isolation import connections
from drdeck.sites.vsphere.vcenter.properties import (
    VM_PATHS,
    filter_spec,
    find_root,
    object_id,
    retrieve,
    step_to,
)

from .fact_parser import vm_facts
from .inventory_facts import NetworkFacts, VmFacts

_PATHS = (
    *VM_PATHS, "config.extraConfig", "config.hardware.device", "guest.net", "layoutEx.file",
    "config.files.vmPathName",
)  # fmt: skip
_CARD = vim.vm.device.VirtualEthernetCard


class TrialVmFacts(msgspec.Struct, frozen=True):
    """A VM in the test folder, or one that a record names. `cards`: the keys of the networks that they are
    on; `written`: bytes of its disks' files; `foreign`: the files of disks outside its own directory."""

    vm: VmFacts
    marker: str = ""
    of: str = ""
    cards: tuple[str, ...] = ()
    written: int | None = None
    foreign: tuple[str, ...] = ()


class IsolatedNetwork(msgspec.Struct, frozen=True):
    """A network of the settings. `connected`: what keeps it from being isolated; empty: nothing."""

    id: str
    name: str
    key: str
    connected: str = ""


class TrialInventory(msgspec.Struct, frozen=True):
    """The test folder at one instant. `problem`: why there can be no test, in words; `folder`: its id."""

    folder: str = ""
    pool: str = ""
    problem: str = ""
    vms: Mapping[str, TrialVmFacts] = {}
    networks: Mapping[str, IsolatedNetwork] = {}
    """by name"""
    not_isolated: bool = False
    """`problem` is that a network is connected to others"""

    def network(self, network_id: str) -> IsolatedNetwork | None:
        return next((n for n in self.networks.values() if n.id == network_id), None)


class TrialFolder:
    """The newest `TrialInventory`, and a number that grows with each change; `settings` None: no test."""

    def __init__(self, settings: TrialSettings | None) -> None:
        self.settings = settings
        self.serial = 0
        self.inventory: TrialInventory | None = None

    def read(
        self, session: VCenterSession, known_ids: Collection[str], networks: Mapping[str, NetworkFacts]
    ) -> None:
        """Read it anew. `known_ids`: of VMs that the records name, wherever they are; `networks`: of the
        site, by id."""
        if self.settings is None:
            return
        try:
            now = _read(session, self.settings, known_ids, networks)
        except Refused as error:
            now = TrialInventory(problem=f"the test folder of the settings cannot be used: {error}")
        if now != self.inventory:
            self.inventory, self.serial = now, self.serial + 1


def _read(
    session: VCenterSession,
    settings: TrialSettings,
    known_ids: Collection[str],
    networks: Mapping[str, NetworkFacts],
) -> TrialInventory:
    folder = find_root(session, settings.folder)
    spec = filter_spec([folder], {vim.VirtualMachine: _PATHS}, step_to(vim.Folder, "childEntity"))
    objects = list(retrieve(session, spec))
    there = {object_id(content.obj) for content in objects}
    elsewhere = [vim.VirtualMachine(vm, session.stub) for vm in sorted(set(known_ids) - there)]
    if elsewhere:
        objects += retrieve(session, filter_spec(elsewhere, {vim.VirtualMachine: _PATHS}, may_be_gone=True))
    raw = {object_id(c.obj): {p.name: p.val for p in c.propSet or ()} for c in objects}
    vms = {ident: _facts(ident, values) for ident, values in raw.items() if "name" in values}
    isolated, problem, not_isolated = _networks(session, settings, object_id(folder), networks)
    pool = ""
    if settings.pool:
        found_pool = session.content.searchIndex.FindByInventoryPath(settings.pool.strip("/"))
        if isinstance(found_pool, vim.ResourcePool):
            pool = object_id(found_pool)
        else:
            problem = problem or f"there is no resource pool {settings.pool} in vCenter; correct it"
    return TrialInventory(object_id(folder), pool, problem, vms, isolated, not_isolated)


def _facts(ident: str, values: dict[str, Any]) -> TrialVmFacts:
    options = values.get("config.extraConfig", ())
    devices = values.get("config.hardware.device", ())
    files = values.get("layoutEx.file")
    disks = [f.size for f in files or () if str(f.type) in ("diskExtent", "diskDescriptor")]
    return TrialVmFacts(
        vm=vm_facts(ident, values),
        marker=extra_config(options, MARK),
        of=extra_config(options, MARK_OF),
        cards=tuple(backing_key(device.backing) for device in devices if isinstance(device, _CARD)),
        written=sum(disks) if disks else None,
        foreign=foreign_files(devices, str(values.get("config.files.vmPathName") or "")),
    )


def _networks(
    session: VCenterSession, settings: TrialSettings, folder: str, networks: Mapping[str, NetworkFacts]
) -> tuple[dict[str, IsolatedNetwork], str, bool]:
    """The isolated networks by name, what is wrong with them, and whether it is that one is connected."""
    by_name = {network.name: network.id for network in networks.values()}
    names = sorted(set(settings.networks.values()))
    missing = [name for name in names if name not in by_name]
    problem = ""
    if missing:
        problem = f'the recovery site has no network "{brief(missing[0])}", which the settings name for tests'
    ids = {by_name[name]: name for name in names if name in by_name}
    references = [network_reference(network_id, session.stub) for network_id in sorted(ids)]
    connected_to = connections(session, references, folder)
    keys = card_networks(session, ids)
    isolated = {
        name: IsolatedNetwork(network_id, name, keys[network_id].key, connected_to.get(network_id, ""))
        for network_id, name in ids.items()
        if network_id in keys
    }
    connected = next((n for n in isolated.values() if n.connected), None)
    if connected is None or settings.allow_connected or problem:
        return isolated, problem, False
    return isolated, f'the network "{connected.name}" is not isolated: {connected.connected}', True
