"""Short forms of a scenario written out: VMs of one kind, and an incident that goes from VM to VM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from msgspec.structs import replace

from drdeck.model.times import parse_duration

from .scenario_tables import Scenario, ScenarioDomain, ScenarioIncident, ScenarioVm

NUMBER = re.compile(r"#+")
"""The place of a number in the name of several VMs; as many digits as signs, at least."""


def written_out(scenario: Scenario) -> Scenario:
    """The scenario with each VM and its incidents by themselves, as the site computes with them."""
    return replace(scenario, domains=tuple(_domain(domain) for domain in scenario.domains))


def vm_names(vm: ScenarioVm) -> list[str]:
    """The names that a VM's table stands for."""
    if vm.many == 1:
        return [vm.name]
    return [
        NUMBER.sub(lambda signs, n=number: str(n).zfill(len(signs[0])), vm.name)  # type: ignore[misc]
        for number in range(1, vm.many + 1)
    ]


def names_of(domain: ScenarioDomain) -> list[str]:
    """The names of all VMs of a domain, in order."""
    return [name for vm in domain.vms for name in vm_names(vm)]


def _domain(domain: ScenarioDomain) -> ScenarioDomain:
    vms = tuple(replace(vm, name=name, many=1) for vm in domain.vms for name in vm_names(vm))
    incidents = tuple(one for incident in domain.incidents for one in _one_by_one(incident, domain))
    return replace(domain, vms=vms, incidents=incidents)


def _one_by_one(incident: ScenarioIncident, domain: ScenarioDomain) -> Iterator[ScenarioIncident]:
    if not incident.each_after:
        yield incident
        return
    step = timedelta(seconds=parse_duration(incident.each_after))
    for number, name in enumerate(incident.vms or names_of(domain)):
        yield replace(incident, at=incident.at + number * step, vms=(name,), each_after="")
