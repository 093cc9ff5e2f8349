"""A test VM: the linked clone of a replica, made from one of its snapshots, on isolated networks.

The clone takes the snapshot's configuration, so its cards are edited in the same call, before anything could
start it (API reference: VirtualMachineCloneSpec.config). createNewChildDiskBacking is valid only with a
snapshot (VirtualMachineRelocateSpec.diskMoveType).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pyVmomi import vim

from drdeck.model.frozen import Frozen
from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.vcenter.calls.call_arguments import CloneArguments, TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.network_cards import backing_key, card_networks, network_reference
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps, vm_of
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.isolation import connections
from drdeck.sites.vsphere.vcenter.properties import object_id, properties

from .before_clones import not_clonable
from .trial_faults import explained
from .trial_marks import MARK, MARK_OF, digest, disk_files, extra_config, marked

_CARD = vim.vm.device.VirtualEthernetCard
IN_GUEST = "guestinfo.DRDECK_TEST"
"""Key of what a guest reads by VMware Tools (`vmtoolsd --cmd "info-get KEY"`) to know of a test."""
_EDIT = vim.vm.device.VirtualDeviceSpec.Operation.edit


class Cloned(Frozen, frozen=True, kw_only=True):
    """A test VM right after it was cloned. `bases`: digests of the files that its disks stand on."""

    vm: str
    uuid: str
    bases: tuple[str, ...]


def linked_clone(session: VCenterSession, vm: str, args: CloneArguments, aim: str) -> CallSteps:
    """Clone a VM, unless that was done; a `Cloned` as JSON. Raises Refused for what cannot be a test VM.

    What the marker finds was made by an earlier try whose answer was lost: never is there a second one.
    """
    clones = marked(session, args.folder, args.marker, vm)
    if len(clones) > 1:
        raise Refused(
            f"Could not {aim}: {len(clones)} VMs in the test folder have its mark, so somebody cloned one;"
            " remove the copy by hand, then answer retry"
        )
    # the snapshot is what the clone will be: its devices, not those that the VM has now
    snapshot = vim.vm.Snapshot(args.snapshot, session.stub)
    config = properties(session, snapshot, "config")["config"]
    devices = config.hardware.device
    if not clones:
        spec = _spec(session, snapshot, devices, args, vm, aim)
        folder = vim.Folder(args.folder, session.stub)
        with explained(session, aim):
            task = vm_of(session, vm).CloneVM_Task(folder=folder, name=args.name, spec=spec)
            yield task
        clones = [object_id(properties(session, task, "info.result")["info.result"])]
    uuid = properties(session, vm_of(session, clones[0]), "config.instanceUuid")["config.instanceUuid"]
    bases = tuple(digest(file) for disk in disk_files(devices) for file in (disk.file, *disk.parents))
    return msgspec.json.encode(Cloned(vm=clones[0], uuid=str(uuid), bases=bases)).decode()


def _spec(
    session: VCenterSession, snapshot: Any, devices: Any, args: CloneArguments, vm: str, aim: str
) -> Any:
    closed = not_clonable(devices)
    if closed:
        raise Refused(f"Could not {aim}: {closed}; leave it out with --vm")
    location = vim.vm.RelocateSpec(diskMoveType="createNewChildDiskBacking")
    if args.pool:
        location.pool = vim.ResourcePool(args.pool, session.stub)
    options = [(MARK, args.marker), (MARK_OF, vm), (IN_GUEST, "1")]
    return vim.vm.CloneSpec(
        location=location,
        powerOn=False,
        template=False,
        snapshot=snapshot,
        config=vim.vm.ConfigSpec(
            annotation=args.annotation,
            extraConfig=[vim.option.OptionValue(key=key, value=value) for key, value in options],
            deviceChange=_isolating(session, devices, args.moves, aim),
        ),
    )


def _isolating(session: VCenterSession, devices: Any, moves: Mapping[str, str], aim: str) -> list[Any]:
    """Edits that put each card on its isolated network, with an address of its own."""
    cards = [device for device in devices if isinstance(device, _CARD)]
    networks = card_networks(session, {*moves, *moves.values()})
    ids = {network.key: network_id for network_id, network in networks.items()}
    edits = []
    for card in cards:
        to = moves.get(ids.get(backing_key(card.backing), ""))
        to = to or moves.get("*")
        if to is None or to not in networks:
            label = card.deviceInfo.label if card.deviceInfo else "a card"
            raise Refused(f"Could not {aim}: no isolated network is set for {label}")
        card.backing = networks[to].backing
        card.addressType, card.macAddress = "assigned", ""
        if card.connectable is not None:
            card.connectable.startConnected = True
        edits.append(vim.vm.device.VirtualDeviceSpec(operation=_EDIT, device=card))
    return edits


def isolate(session: VCenterSession, vm: str, args: TrialVmArguments, aim: str) -> CallSteps:
    """Put a test VM's cards on isolated networks; nothing where they are."""
    machine = vm_of(session, vm)
    now = properties(session, machine, "config.hardware.device", "config.extraConfig")
    _ours(now, args, aim)
    targets = set(args.moves.values())
    keys = {network.key for network in card_networks(session, targets).values()}
    devices = now.get("config.hardware.device", ())
    cards = [d for d in devices if isinstance(d, _CARD) and backing_key(d.backing) not in keys]
    if cards:
        edits = _isolating(session, cards, args.moves, aim)
        yield machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=edits))
    return ""


def power_on_isolated(session: VCenterSession, vm: str, args: TrialVmArguments, aim: str) -> CallSteps:
    """Power a test VM on, once its cards were read back as isolated. Raises Refused where one is not."""
    machine = vm_of(session, vm)
    now = properties(
        session, machine, "config.hardware.device", "config.extraConfig", "config.instanceUuid",
        "runtime.powerState",
    )  # fmt: skip
    _ours(now, args, aim)
    if str(now.get("runtime.powerState")) == "poweredOn":
        return ""
    targets = set(args.moves.values())
    networks = card_networks(session, targets)
    keys = {network.key for network in networks.values()}
    for device in now.get("config.hardware.device", ()):
        if isinstance(device, _CARD) and backing_key(device.backing) not in keys:
            label = device.deviceInfo.label if device.deviceInfo else "a card"
            raise Refused(
                f"Could not {aim}: {label} is on a network that is not the test's; somebody moved it"
            )
    if args.connected != "yes":
        references = [network_reference(network_id, session.stub) for network_id in targets]
        for why in connections(session, references, args.folder).values():
            if why:
                raise Refused(f"Could not {aim}: its network is not isolated: {why}")
    with explained(session, aim):
        yield machine.PowerOnVM_Task()
    return ""


def _ours(now: Mapping[str, Any], args: TrialVmArguments, aim: str) -> None:
    """Raises Refused for a VM that is not this test's."""
    if extra_config(now.get("config.extraConfig", ()), MARK) != args.marker:
        raise Refused(f"Could not {aim}: it does not have the mark of this test; drdeck leaves it alone")
