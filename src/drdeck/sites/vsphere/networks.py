"""Networks by name and by id."""

from __future__ import annotations

from collections.abc import Mapping

from .facts import Inventory
from .situation import Situation


def network_ids(s: Situation, inventory: Inventory, names: Mapping[str, str]) -> dict[str, str]:
    """A mapping by name as one by id; for a name that several networks have, those in use come first."""
    by_name: dict[str, str] = {}
    for network in sorted(inventory.networks.values(), key=lambda n: n.id, reverse=True):
        by_name[network.name] = network.id
    used = {n for vm in s.vms for n in vm.networks}
    sources = by_name | {inventory.networks[n].name: n for n in used if n in inventory.networks}
    return {sources[a]: by_name[b] for a, b in names.items() if a in sources and b in by_name}
