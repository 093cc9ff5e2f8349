"""Places of networks that share a name: their switch and folder, by which a person tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drdeck.sites.vsphere.vcenter.calls.network_cards import network_reference
from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import properties

from .inventory_facts import Inventory, NetworkFacts, decode_name

_KINDS = {"Network": "of standard switches", "OpaqueNetwork": "of NSX"}


class NetworkPlaces:
    """Places as they were read, once for each network; only few share a name."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self.serial = 0

    def unread(self, inventory: Inventory) -> list[str]:
        """Ids of the networks that share a name and were not read yet."""
        return [n.id for n in inventory.networks.values() if _shares(n) and n.id not in self._places]

    def read(self, session: VCenterSession, ids: Sequence[str]) -> None:
        """Read where they are. Blocks; raises what pyVmomi raises."""
        folders: dict[str, str] = {}
        for network_id in ids:
            network = network_reference(network_id, session.stub)
            kind = type(network).__name__.rpartition(".")[2]
            distributed = kind == "DistributedVirtualPortgroup"
            switch = "config.distributedVirtualSwitch"
            raw = properties(session, network, "parent", *((switch,) if distributed else ()))
            of = _KINDS.get(kind, "of a switch that cannot be read")
            if raw.get(switch) is not None:
                of = f'of the switch "{_name(properties(session, raw[switch], "name"))}"'
            self._places[network_id] = f"{of}, in {_path(session, raw.get('parent'), folders)}"
        self.serial += 1

    def of(self, networks: Mapping[str, NetworkFacts]) -> dict[str, str]:
        """Name of a network -> where it is, for those that share a name."""
        return {n.name: self._places[n.id] for n in networks.values() if n.id in self._places and _shares(n)}


def _shares(network: NetworkFacts) -> bool:
    return bool(network.own_name) and network.name != network.own_name


def _name(raw: Mapping[str, Any]) -> str:
    return decode_name(str(raw.get("name", "?")))


def _path(session: VCenterSession, folder: Any, paths: dict[str, str]) -> str:
    """The inventory path of a folder, without the root folder of all; "/" where nothing may be read."""
    key = str(folder)
    if folder is not None and key not in paths:
        raw = properties(session, folder, "name", "parent")
        above = raw.get("parent")
        paths[key] = f"{_path(session, above, paths).rstrip('/')}/{_name(raw)}" if above is not None else "/"
    return paths.get(key, "/")
