"""Faults of one domain: their kinds and times, and the VMs that they hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from drdeck.model.times import parse_duration
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioDomain, ScenarioFault
from drdeck.sites.training.units import NEVER, seconds, ticks

from .vm_state import Incident


def pick(seed: int, *words: object) -> int:
    """A number that follows from the scenario's seed and what it is for, on every machine the same."""
    text = "\0".join([str(seed), *map(str, words)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one domain with the VMs (numbers) that it hits."""

    number: int
    kind: str
    start: int
    end: int
    vms: frozenset[int]
    times: int
    factor: float
    after: int | None = None
    """counted from the beginning of the rehydration, until when it is not known to start"""
    lasts: int = NEVER

    def begun(self, at: int) -> Fault:
        """Itself, counted from `at`, if it counts from the beginning of the rehydration."""
        if self.after is None:
            return self
        start = at + self.after
        return replace(self, start=start, end=min(NEVER, start + self.lasts), after=None)

    def on(self, at: int) -> bool:
        return self.start <= at < self.end


def of_domain(scenario: Scenario, domain: ScenarioDomain) -> list[Fault]:
    """The faults that a domain has to do with."""
    return [
        _fault(number, fault, scenario, domain)
        for number, fault in enumerate(scenario.faults)
        if fault.domain in ("", domain.name)
    ]


def _fault(number: int, fault: ScenarioFault, scenario: Scenario, domain: ScenarioDomain) -> Fault:
    names = [vm.name for vm in domain.vms]
    hit = {names.index(name) for name in fault.vms}
    if not hit and names:
        hit = {pick(scenario.seed, "fault", number, domain.name) % len(names)}
    lasts = seconds(parse_duration(fault.lasts)) if fault.lasts else NEVER
    start = ticks(scenario.start if fault.start is None else fault.start)
    return Fault(
        number=number,
        kind=fault.kind,
        start=NEVER if fault.after else start,
        end=min(NEVER, start + lasts) if fault.end is None else ticks(fault.end),
        after=seconds(parse_duration(fault.after)) if fault.after else None,
        lasts=lasts,
        vms=frozenset(hit),
        times=fault.times,
        factor=fault.factor,
    )


def outages(faults: list[Fault]) -> list[tuple[int, int]]:
    """Times without the object store: [from, to), in order, without overlap."""
    merged: list[tuple[int, int]] = []
    timed = [f for f in faults if f.kind == "object_store_lost" and f.after is None]
    for start, end in sorted((f.start, f.end) for f in timed):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def timeline(
    spec: ScenarioDomain, incidents: Sequence[Incident], without_store: Sequence[tuple[int, int]], start: int
) -> list[tuple[int, str, int]]:
    """Events that befall a domain whatever is done: (time, kind, number), in order, from `start` on."""
    events: list[tuple[int, str, int]] = []
    for number, incident in enumerate(incidents):
        events.append((incident.at, "strike", number))
        if incident.end < NEVER:
            events.append((incident.end, "calm", number))
    for number, (lost_at, back_at) in enumerate(without_store):
        events.append((lost_at, "store_lost", number))
        if back_at < NEVER:
            events.append((back_at, "store_back", number))
    if spec.protected_site == "lost" and spec.state != "protected":
        events.append((start if spec.lost_at is None else ticks(spec.lost_at), "site_lost", 0))
    return sorted((max(at, start), what, number) for at, what, number in events)
