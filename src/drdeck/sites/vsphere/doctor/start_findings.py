"""Findings about what may stop the VMs of a domain from starting when its failover is completed."""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.alarms import Finding
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from drdeck.sites.vsphere.plan.domain_state import DomainState

from . import start_obstacles
from .start_obstacles import StartFacts

_REMEDIES = {
    "hosts": "take hosts out of maintenance mode, or reconnect them, before a failover",
    "memory": "free memory there, or add hosts",
    "admission_control": "see whether the cluster's spare suffices, or plan to lower it for the failover",
    "network": "add the network to the hosts of that cluster, or map to another one",
    "datastore": "make room there, or bring the datastore back",
}


def findings(facts: StartFacts, domain_states: Sequence[DomainState], inventory: Inventory) -> list[Finding]:
    """A warning for each obstacle of each domain that is still to be completed. Pure."""
    ahead = [s for s in domain_states if s.record.failover is None or not s.record.owned]
    reached = [s for s in ahead if any(vm.connection == "connected" for vm in s.vms)]
    return [finding for s in reached for finding in of_domain(facts, s, inventory)]


def of_domain(facts: StartFacts, s: DomainState, inventory: Inventory) -> list[Finding]:
    """The obstacles of one domain, or that none is seen. Pure."""
    subject = f"starts of {s.name}"
    targets = {inventory.networks[i] for i in s.record.networks.values() if i in inventory.networks}
    vms = [vm for vm in s.vms if vm.connection == "connected"]
    hazards = start_obstacles.obstacles(facts, vms, sorted(targets, key=lambda network: network.name))
    if facts.unread:
        return [Finding.warn(subject, f"not checked: {hazards.not_checked[0]}")]
    if not hazards.warns:
        return [Finding.ok(subject, "nothing seen that would stop its VMs from starting")]
    return [Finding.warn(subject, hazard.text, _REMEDIES.get(hazard.kind, "")) for hazard in hazards.warns]
