"""Checks of scenarios whose keys and types are right, for what is impossible all the same."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from drdeck.config.toml_places import Place
from drdeck.model.text import brief, fits, quoted, some
from drdeck.model.times import parse_duration, show

from . import scenario_limits, scenario_plans
from .scenario_expansion import NUMBER, names_of, vm_names
from .scenario_tables import Scenario, ScenarioDomain, ScenarioFault, ScenarioIncident, ScenarioVm

Problem = tuple[Place, str]
"""where, and what with its remedy"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIRST, _LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MOST_BYTES = 1 << 60
_MOST_POINTS = 50_000


def problem(scenario: Scenario) -> Problem | None:
    """The first thing that is wrong, or None."""
    return next(_problems(scenario), None)


def _problems(scenario: Scenario) -> Iterator[Problem]:
    yield from scenario_limits.problems(scenario)
    if not _NAME.fullmatch(scenario.name):
        yield (
            ("name",),
            f"{quoted(scenario.name)} cannot name a file; use letters, digits, dot, dash, underscore",
        )
    yield from _instant(("start",), scenario.start)
    if scenario.opens is not None:
        yield from _instant(("opens",), scenario.opens)
        if scenario.opens < scenario.start:
            yield ("opens",), f"is before the start of the scenario; write {show(scenario.start)} or later"
    yield from _amount(("link_bytes_per_s",), scenario.link_bytes_per_s, 1)
    if not scenario.domains:
        yield ("domains",), "a scenario needs a domain; add a [[domains]] table"
    yield from _twice([domain.name for domain in scenario.domains], ("domains",), "domain")
    for number, domain in enumerate(scenario.domains):
        yield from _domain(("domains", number), domain, scenario)
    for number, fault in enumerate(scenario.faults):
        yield from _fault(("faults", number), fault, scenario)
    yield from scenario_plans.problems(scenario)


def _domain(at: Place, domain: ScenarioDomain, scenario: Scenario) -> Iterator[Problem]:
    if not domain.name.strip():
        yield (*at, "name"), "a domain needs a name; write one"
    yield from _duration((*at, "pitr", "window"), domain.pitr.window, above=0)
    yield from _duration((*at, "pitr", "interval"), domain.pitr.interval, above=0)
    window, interval = parse_duration(domain.pitr.window), parse_duration(domain.pitr.interval)
    if window < interval:
        yield (*at, "pitr", "window"), "is shorter than the interval; make it at least as long"
    if window / interval > _MOST_POINTS:
        yield (*at, "pitr", "interval"), f"makes more than {_MOST_POINTS} points; make it longer"
    if domain.lost_at is not None:
        yield from _instant((*at, "lost_at"), domain.lost_at)
        if domain.protected_site != "lost":
            yield (*at, "lost_at"), 'belongs to a lost site; write protected_site = "lost" too'
        if domain.lost_at < scenario.start:
            yield (*at, "lost_at"), f"is before the start; write {show(scenario.start)} or later"
    for number, vm in enumerate(domain.vms):
        yield from _many((*at, "vms", number), vm)
    yield from _each_once((*at, "vms"), domain)
    names = names_of(domain)
    for number, vm in enumerate(domain.vms):
        place: Place = (*at, "vms", number)
        if not vm.name.strip():
            yield (*place, "name"), "a VM needs a name; write one"
        yield from _amount((*place, "disk_bytes"), vm.disk_bytes, 1)
        yield from _amount((*place, "write_bytes_per_s"), vm.write_bytes_per_s, 0)
        yield from _duration((*place, "boot"), vm.boot)
    for number, incident in enumerate(domain.incidents):
        yield from _incident((*at, "incidents", number), incident, names, scenario.start)
    yield from _runbook(at, domain, names)


def _many(at: Place, vm: ScenarioVm) -> Iterator[Problem]:
    if not 1 <= vm.many <= scenario_limits.MOST_VMS:
        yield (*at, "many"), f"{vm.many} VMs cannot be; write 1 to {scenario_limits.MOST_VMS}"
    elif vm.many > 1 and not NUMBER.search(vm.name):
        yield (*at, "name"), f'{vm.many} VMs need names of their own; write "{brief(vm.name)}##"'


def _each_once(at: Place, domain: ScenarioDomain) -> Iterator[Problem]:
    earlier: set[str] = set()
    for number, vm in enumerate(domain.vms):
        for name in vm_names(vm):
            if name in earlier:
                yield (*at, number, "name"), _twice_words("VM", name)
            earlier.add(name)


def _incident(
    at: Place, incident: ScenarioIncident, names: Sequence[str], start: datetime
) -> Iterator[Problem]:
    yield from _instant((*at, "at"), incident.at)
    if incident.at < start:
        yield (*at, "at"), f"is before the start of the scenario; write {show(start)} or later"
    yield from _unknown_names((*at, "vms"), incident.vms, names)
    yield from _factor((*at, "write_factor"), incident.write_factor)
    if incident.until is not None:
        yield from _instant((*at, "until"), incident.until)
        if incident.until <= incident.at:
            yield (*at, "until"), f"is not after the incident; write a time after {show(incident.at)}"
        if incident.each_after:
            yield (
                (*at, "until"),
                "is not known for VMs that are reached one by one; leave until or each_after out",
            )
    if incident.each_after:
        yield from _duration((*at, "each_after"), incident.each_after, above=0)


def _runbook(at: Place, domain: ScenarioDomain, names: Sequence[str]) -> Iterator[Problem]:
    yield from _twice([group.group for group in domain.runbook], (*at, "runbook"), "runbook group", "group")
    taken: dict[str, str] = {}
    all_names = frozenset(names)
    for number, group in enumerate(domain.runbook):
        place: Place = (*at, "runbook", number)
        yield from _duration((*place, "delay_after"), group.delay_after)
        for pattern in group.vms:
            members = [pattern] if pattern in all_names else [n for n in names if fits(n, pattern)]
            if not members:
                yield (*place, "vms"), f'"{brief(pattern)}" is no VM of the domain; known are {_list(names)}'
            for name in members:
                other = taken.setdefault(name, group.group)
                if other != group.group:
                    yield (*place, "vms"), f'"{name}" is in the group "{other}" already; leave it in one'


def _fault(at: Place, fault: ScenarioFault, scenario: Scenario) -> Iterator[Problem]:
    domains = {domain.name: domain for domain in scenario.domains}
    if fault.domain and fault.domain not in domains:
        yield (*at, "domain"), f'there is no domain "{brief(fault.domain)}"; known are {_list(list(domains))}'
    elif fault.vms and not fault.domain:
        yield (*at, "vms"), "VMs are known within a domain only; add domain"
    elif fault.domain:
        yield from _unknown_names((*at, "vms"), fault.vms, names_of(domains[fault.domain]))
    for key, when in (("from", fault.start), ("to", fault.end)):
        if when is not None:
            yield from _instant((*at, key), when)
    for key, text, other, when in (
        ("after", fault.after, "from", fault.start),
        ("lasts", fault.lasts, "to", fault.end),
    ):
        if text:
            yield from _duration((*at, key), text, above=0 if key == "lasts" else None)
            if when is not None:
                yield (*at, key), f"cannot stand beside {other}, which says it already; leave one of them out"
    if fault.after and fault.domain in domains and domains[fault.domain].state == "protected":
        yield (*at, "after"), f'never comes: "{fault.domain}" runs here from the start; write from instead'
    if fault.after and fault.end is not None:
        yield (*at, "to"), "cannot be told beside after; write how long it lasts instead"
    if fault.end is not None and fault.end <= (fault.start or scenario.start):
        since = show(fault.start or scenario.start)
        yield (*at, "to"), f"is not after the beginning of the fault; write a time after {since}"
    if fault.times < 1:
        yield (*at, "times"), f"{fault.times} times is never; write 1 or more"
    yield from _factor((*at, "factor"), fault.factor)


def _instant(at: Place, when: datetime) -> Iterator[Problem]:
    if when.tzinfo is None:
        yield at, f"{when.isoformat()} has no time zone; end it with Z"
    elif not _FIRST <= when <= _LAST:
        yield at, f"the year {when.year} is out of range; use 1971 to 2199"


def _duration(at: Place, text: str, above: float | None = None) -> Iterator[Problem]:
    try:
        length = parse_duration(text)
    except ValueError as error:
        yield at, str(error)
        return
    if above is not None and length < 1:
        yield at, f"{quoted(text)} is too short; write 1s or more"
    if length > 3660 * 86400:
        yield at, f"{quoted(text)} is too long; write at most 3660d"


def _amount(at: Place, amount: int, least: int) -> Iterator[Problem]:
    if amount < least:
        word = "negative" if amount < 0 else "too little"
        yield at, f"{amount} is {word}; write {least} or more"
    if amount > _MOST_BYTES:
        yield at, f"{amount} is too much; write at most {_MOST_BYTES}"


def _factor(at: Place, factor: float) -> Iterator[Problem]:
    if not math.isfinite(factor) or not 0 <= factor <= 1_000_000:
        yield at, f"{factor} is no factor; write a number from 0 to 1000000"


def _unknown_names(at: Place, vms: Sequence[str], names: Sequence[str]) -> Iterator[Problem]:
    present = frozenset(names)
    for name in vms:
        if name not in present:
            yield at, f'there is no VM "{brief(name)}" in the domain; known are {_list(names)}'


def _twice(names: Sequence[str], at: Place, what: str, key: str = "name") -> Iterator[Problem]:
    earlier: set[str] = set()
    for number, name in enumerate(names):
        if name in earlier:
            yield (*at, number, key), _twice_words(what, name)
        earlier.add(name)


def _twice_words(what: str, name: str) -> str:
    return f'the {what} "{brief(name)}" stands here twice; give each its own name'


def _list(names: Sequence[str]) -> str:
    return some([brief(name) for name in names], most=8) or "none"
