"""Limits of a scenario, so that the largest one is still computed within a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drdeck.config.toml_places import Place

from .scenario_tables import Scenario, ScenarioDomain

MOST_DOMAINS = 1_000
MOST_VMS = 10_000
"""in all domains together"""
MOST_INCIDENTS = 1_000
MOST_GROUPS = 200
MOST_PATTERNS = 1_000
"""of all groups of a domain together"""
MOST_FAULTS = 1_000
MOST_NETWORKS = 1_000
NAME, TITLE, DESCRIPTION = 80, 200, 2_000
"""Characters of a text; 80 are what vCenter gives a name."""


def problems(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """(where, what and remedy) for everything of which there is too much."""
    yield from _count(("domains",), scenario.domains, MOST_DOMAINS)
    yield from _count(("faults",), scenario.faults, MOST_FAULTS)
    yield from _length(("title",), scenario.title, TITLE)
    yield from _length(("description",), scenario.description, DESCRIPTION)
    vms = sum(max(1, vm.many) for domain in scenario.domains for vm in domain.vms)
    if vms > MOST_VMS:
        yield ("domains",), f"there are {vms} VMs in all; leave at most {MOST_VMS}"
    for number, domain in enumerate(scenario.domains):
        yield from _domain(("domains", number), domain)


def _domain(at: Place, domain: ScenarioDomain) -> Iterator[tuple[Place, str]]:
    for key in ("name", "owner_address", "storage_site"):
        yield from _length((*at, key), getattr(domain, key), NAME)
    yield from _count((*at, "incidents"), domain.incidents, MOST_INCIDENTS)
    yield from _count((*at, "recovery_networks"), domain.recovery_networks, MOST_NETWORKS)
    yield from _count((*at, "runbook"), domain.runbook, MOST_GROUPS)
    if sum(len(group.vms) for group in domain.runbook) > MOST_PATTERNS:
        yield (*at, "runbook"), f"names more than {MOST_PATTERNS} VMs and patterns; use patterns for many"
    for network in domain.recovery_networks:
        yield from _length((*at, "recovery_networks"), network, NAME)
    for number, vm in enumerate(domain.vms):
        yield from _length((*at, "vms", number, "name"), vm.name, NAME)
        yield from _length((*at, "vms", number, "network"), vm.network, NAME)
    for number, group in enumerate(domain.runbook):
        for text in (group.group, *group.vms):
            yield from _length((*at, "runbook", number), text, NAME)


def _count(at: Place, things: Sequence[object], most: int) -> Iterator[tuple[Place, str]]:
    if len(things) > most:
        yield at, f"there are {len(things)} of them; leave at most {most}"


def _length(at: Place, text: str, most: int) -> Iterator[tuple[Place, str]]:
    if len(text) > most:
        yield at, f"has {len(text)} characters; write at most {most}"
