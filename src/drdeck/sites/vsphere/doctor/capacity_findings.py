"""Room: chains of snapshots and space on datastores against the window that is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from drdeck.model.alarms import Finding
from drdeck.model.guard import Hazard
from drdeck.model.points_budget import points_late, removals_late, rounds_late
from drdeck.model.text import names, show_bytes, some
from drdeck.model.times import show_span
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.restore_points import CHAIN_MAX, instant_of, prunable

from .start_obstacles import Store

LOW = 0.1
"""A datastore with less than this share of it free is low, whatever grows there."""


def chains(s: DomainState) -> list[Finding]:
    """Reach of the snapshots that a VM can have, and chains that are full."""
    if not s.settings.pitr.enabled or not s.vms:
        return []
    subject = f"restore points of {s.name}"
    window, interval = float(s.settings.pitr.window), float(s.settings.pitr.interval)
    longest = max(s.vms, key=lambda vm: len(vm.snapshots))
    kept = {vm.id: _kept(s, vm) for vm in s.vms}
    stuck = [vm for vm in s.vms if kept[vm.id] >= CHAIN_MAX]
    if stuck:
        return [
            Finding.fail(
                subject,
                f"{CHAIN_MAX} snapshots or more that drdeck did not make: {names(stuck)};"
                " no point can be made there",
                "see in vCenter whose they are, and let their owner remove what is not needed",
            )
        ]
    worst = max(s.vms, key=lambda vm: kept[vm.id])
    able = CHAIN_MAX - kept[worst.id]
    keep = min(able, s.settings.pitr.keep)
    if able * interval < window and keep == able:
        because = f" ({worst.name} has {kept[worst.id]} of others)" if kept[worst.id] else ""
        reach, enough = show_span(able * interval), show_span(60 * math.ceil(window / able / 60))
        return [
            Finding.warn(
                subject,
                f"a VM can have {CHAIN_MAX} snapshots{because}: points every {show_span(interval)}"
                f" reach back {reach}, and not the window of {show_span(window)}",
                f"set interval to {enough} or more, or window to {reach}",
            )
        ]
    if late := points_late(len(s.members()), interval):
        return [
            Finding.warn(
                subject, late, "split the domain in two, or count on points of that age in a rollback"
            )
        ]
    chain = f"the longest chain is {len(longest.snapshots)} of {CHAIN_MAX} ({longest.name})"
    text = f"{min(int(window // interval), keep)} fit the window and are kept; {chain}"
    return [Finding.ok(subject, text)]


def rounds(domain_states: Sequence[DomainState]) -> list[Finding]:
    """Time for the points of all domains together: they share the places."""
    pitr = [s for s in domain_states if s.settings.pitr.enabled]
    if not (late := rounds_late((len(s.members()), float(s.settings.pitr.interval)) for s in pitr)):
        return []
    return [Finding.warn("restore points", late, "make intervals longer, or give fewer domains PITR")]


def against_points(
    domain_states: Sequence[DomainState],
    of: Sequence[DomainState],
    stores: Mapping[str, Store],
    removals: int,
) -> list[Hazard]:
    """Reasons why the points of some domains may be late once they run here, beside those of all others."""
    pitr = [s for s in of if s.settings.pitr.enabled]
    if not pitr:
        return []
    slow = _slow_stores(domain_states, removals)
    own = {store for s in pitr for vm in s.vms for store in vm.datastores}
    late = sorted(own & slow.keys() & stores.keys())
    texts = [f'On the datastore "{stores[ident].name}", {slow[ident]}.' for ident in late]
    texts += [f"{finding.text[0].upper()}{finding.text[1:]}." for finding in rounds(domain_states)]
    return [Hazard(kind="points", text=text) for text in texts]


def _slow_stores(domain_states: Sequence[DomainState], removals: int) -> dict[str, str]:
    """Datastores on which an interval has no room for its removals, by id, with a sentence."""
    pointed: dict[str, list[float]] = {}
    for s in domain_states:
        for vm in s.vms if s.settings.pitr.enabled else ():
            for store in vm.datastores:
                pointed.setdefault(store, []).append(float(s.settings.pitr.interval))
    late = {store: removals_late(len(each), removals, min(each)) for store, each in pointed.items()}
    return {store: text for store, text in late.items() if text}


def _kept(s: DomainState, vm: VmFacts) -> int:
    """Snapshots that pruning leaves alone."""
    return len(vm.snapshots) - len(prunable(vm, s.settings.prune_also))


def datastores(
    domain_states: Sequence[DomainState], stores: Mapping[str, Store], removals: int
) -> list[Finding]:
    """Space and time for the points that the settings ask for, at the rate of late. Pure. `stores`: by id;
    `removals`: of snapshots that run at a time on one."""
    needed: dict[str, float] = {}
    users: dict[str, set[str]] = {}
    for s in domain_states:
        for vm in s.vms:
            for store in vm.datastores:
                users.setdefault(store, set()).add(s.name)
                needed[store] = needed.get(store, 0.0) + _needed(s, vm) / len(vm.datastores)
    slow = _slow_stores(domain_states, removals)
    return [
        _store_finding(stores[store], needed[store], sorted(users[store]), slow.get(store, ""))
        for store in sorted(users, key=lambda i: stores[i].name if i in stores else i)
        if store in stores
    ]


def _store_finding(store: Store, needed: float, domains: Sequence[str], slow: str) -> Finding:
    subject = f"datastore {store.name}"
    whose = some(domains)
    if not store.accessible:
        return Finding.fail(subject, f"cannot be reached; VMs of {whose} are on it", "see to it in vCenter")
    free = f"{show_bytes(store.free)} of {show_bytes(store.capacity)} free"
    if needed > store.free:
        return Finding.warn(
            subject,
            f"{free}; at the rate of late the points of {whose} want about {show_bytes(round(needed))} more",
            "make room, or ask for a shorter window",
        )
    if store.capacity and store.free < LOW * store.capacity:
        return Finding.warn(
            subject,
            f"{free}; snapshots of {whose} grow there",
            "make room: a full datastore stops the VMs on it",
        )
    if slow:
        return Finding.warn(
            subject,
            slow,
            "make intervals longer, or spread the VMs over more datastores; places.delete says"
            " how many removals run at a time",
        )
    more = f"; about {show_bytes(round(needed))} more wanted for points" if needed else ""
    return Finding.ok(subject, f"{free}{more} ({whose})")


def _needed(s: DomainState, vm: VmFacts) -> float:
    """Bytes that its points will take beyond what they take now; 0 where the rate is unknown."""
    if not s.settings.pitr.enabled:
        return 0.0
    by_id = {x.id: x for x in vm.snapshots}
    written, passed = 0.0, 0.0
    for snapshot in vm.snapshots:
        parent = by_id.get(snapshot.parent_id or "")
        if parent is None or snapshot.written is None:
            continue
        seconds = (instant_of(snapshot) - instant_of(parent)).total_seconds()
        if seconds > 0:
            written, passed = written + snapshot.written, passed + seconds
    if not passed:
        return 0.0
    span = min(float(s.settings.pitr.window), CHAIN_MAX * float(s.settings.pitr.interval))
    return max(0.0, written / passed * span - written)
