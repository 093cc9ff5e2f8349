"""What is due at a vSphere domain: a pure function of its record, its VMs, the protected VMs and the time.

The phases of a completion: shutdown, point (planned only), take, network, power, delay, recovered,
finished. Of a session: waiting, then active. Of a rollback: off, revert, power, delay, over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from drdeck.model.domains import Act, Phase, RunbookGroup, SessionState, SiteQuestion
from drdeck.model.times import show, show_duration
from drdeck.settings import DomainSettings

from .facts import VmFacts
from .record import FailoverRecord, Record, RollbackRecord
from .restore import ancestors, leaves_first, newest, ours, point_name, target


class Group(NamedTuple):
    """A runbook group with the VMs that it really has."""

    name: str
    vms: tuple[VmFacts, ...]
    delay_s: float


class Protected(NamedTuple):
    """What was seen last of the protected site's VMs of this domain; `lost` says why it is not seen now."""

    vms: tuple[VmFacts, ...] = ()
    lost: str = ""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a plan depends on."""

    name: str
    record: Record
    vms: tuple[VmFacts, ...]
    settings: DomainSettings
    protected: Protected | None = None
    now: datetime

    def living(self) -> tuple[VmFacts, ...]:
        """The VMs that the operator has not given up."""
        return tuple(vm for vm in self.vms if vm.id not in self.record.skipped)

    def session_vms(self) -> tuple[VmFacts, ...]:
        chosen = self.record.session_vms
        return tuple(vm for vm in self.vms if not chosen or vm.id in chosen)

    def rollback_vms(self) -> tuple[VmFacts, ...]:
        chosen = self.record.rollback_vms
        return tuple(
            vm
            for vm in self.session_vms()
            if (not chosen or vm.id in chosen) and vm.id not in self.record.skipped
        )

    def ready(self, vm: VmFacts) -> bool:
        """Whether a VM serves, as far as the settings want to know (power, tools or ip)."""
        if vm.power != "on" or vm.connection != "connected":
            return False
        if self.settings.ready == "ip":
            return bool(vm.ip)
        return self.settings.ready == "power" or vm.tools_running


class Plan(NamedTuple):
    phase: Phase | None = None
    question: SiteQuestion | None = None


def matches(name: str, pattern: str) -> bool:
    """A shell pattern, or the very name: one with brackets in it is no pattern to its owner."""
    return name == pattern or fnmatchcase(name, pattern)


def groups(vms: Sequence[VmFacts], settings: DomainSettings) -> list[Group]:
    """The runbook's groups in order, each VM in the first that matches; the rest come last."""
    left = list(vms)
    found: list[Group] = []
    for group in settings.runbook:
        members = [vm for vm in left if any(matches(vm.name, pattern) for pattern in group.vms)]
        left = [vm for vm in left if vm not in members]
        found.append(Group(group.group, tuple(members), float(group.delay_after)))
    if left or not found:
        found.append(Group("all VMs" if not found else "other VMs", tuple(left), 0.0))
    return found


def runbook(vms: Sequence[VmFacts], settings: DomainSettings) -> tuple[RunbookGroup, ...]:
    """The groups as a console shows them; none where no runbook is set."""
    if not settings.runbook:
        return ()
    return tuple(
        RunbookGroup(group=g.name, vms=tuple(vm.name for vm in g.vms), delay_after_s=g.delay_s)
        for g in groups(vms, settings)
    )


def plan(s: Situation) -> Plan:
    """What is due now, or the question that keeps it from going on."""
    session = s.record.session
    if session is not None:
        if session.state is SessionState.WAITING:
            return _entering(s, session.id)
        if session.state is SessionState.ROLLING_BACK and s.record.rollback is not None:
            return _rolling_back(s, s.record.rollback)
        if session.state is SessionState.EXITING:
            return _exiting(s, session.last or "")
        return Plan()
    if s.record.completing and s.record.failover is not None:
        return _completing(s, s.record.failover)
    return Plan()


def step(what: str, operation: str, n: int = 1, g: int = 0) -> Act:
    """An act on the record alone; doing it twice is the same as once."""
    return Act(
        key=f"{what}:{operation}:{g}:{n}",
        kind="step",
        args={"to": what, "g": str(g)},
        after_loss="repeat",
        choices=("retry",),
        says=_STEP_SAYS.get(what, what),
    )


_STEP_SAYS = {
    "point": "note that the protected VMs are off",
    "take": "note that all data is there",
    "network": "take the ownership of the domain",
    "power": "begin the runbook",
    "delay": "note that a runbook group is ready",
    "next": "go on to the next runbook group",
    "recovered": "note that every VM is recovered",
    "entry": "choose the instant of the entry point",
    "active": "open the PITR session",
    "revert": "note that the VMs are off",
    "over": "note that the rollback is over",
    "closed": "close the PITR session",
}


def names(vms: Sequence[VmFacts], most: int = 3) -> str:
    """A few names, and how many more."""
    shown = ", ".join(vm.name for vm in vms[:most])
    return f"{shown} and {len(vms) - most} more" if len(vms) > most else shown


def _completing(s: Situation, f: FailoverRecord) -> Plan:
    match f.phase:
        case "shutdown":
            return _shutting_down(s, f)
        case "point":
            return _final_point(s, f)
        case "take":
            return Plan(Phase(operation=f.id, name="Take ownership", then=step("network", f.id, f.n)))
        case "network":
            return Plan(_connecting(s, f))
        case "power" | "delay":
            return _starting(s, s.living(), f, "recovered", f"failover:{f.id}")
        case _:
            return Plan()


def _shutting_down(s: Situation, f: FailoverRecord) -> Plan:
    name = "Shut down protected VMs"
    if s.protected is None:
        return Plan(Phase(operation=f.id, name=name, wait="no protected site is in the settings"))
    limit = float(s.settings.shutdown_timeout)
    late = s.now > f.since + timedelta(seconds=limit)
    up = [vm for vm in s.protected.vms if vm.power != "off"]
    if late and (up or s.protected.lost):
        text = (
            f"The protected site is out of sight: {s.protected.lost.rstrip('.')}."
            " Answer retry to wait for it, or abort and choose a Force Failover."
            if s.protected.lost
            else f"Did not shut down within {show_duration(limit)}: {names(up)}."
            " Power off by hand at the protected site, then answer retry."
        )
        return Plan(None, SiteQuestion(id=f"shutdown:{f.id}:{f.n}", operation=f.id, text=text, choices=_RA))
    if s.protected.lost:
        return Plan(Phase(operation=f.id, name=name, wait=f"the protected site: {s.protected.lost}"))
    acts = tuple(
        Act(
            key=f"shutdown:{f.n}:{vm.id}",
            kind="shutdown_guest",
            vm=vm.id,
            name=vm.name,
            after_loss="repeat",
            choices=("retry", "abort"),
            says=f"shut down {vm.name} at the protected site",
        )
        for vm in up
    )
    wait = f"shutting down: {names(up)}" if up else ""
    return Plan(Phase(operation=f.id, name=name, acts=acts, wait=wait, then=step("point", f.id, f.n)))


_RA = ("retry", "abort")


def _final_point(s: Situation, f: FailoverRecord) -> Plan:
    """The workflow's planned failover recovers the rest of the data: a point made after the shutdown."""
    missing = [vm for vm in s.living() if (newest(vm, s.record) or _NEVER) < f.since]
    name = "Recover the rest of the data"
    if not missing:
        return Plan(Phase(operation=f.id, name=name, then=step("take", f.id, f.n)))
    text = (
        f"No restore point newer than the shutdown ({show(f.since)}) yet for {names(missing)}."
        " It goes on by itself when replication brings one; answer confirm to go on with what is there."
    )
    choices = ("confirm", "abort")
    return Plan(None, SiteQuestion(id=f"point:{f.id}:{f.n}", operation=f.id, text=text, choices=choices))


_NEVER = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


def _connecting(s: Situation, f: FailoverRecord) -> Phase:
    """Networks are mapped before anything starts."""
    moves = {source: to for source, to in s.record.networks.items() if source != to}
    acts, busy = [], []
    for vm in s.living():
        if not any(network in moves for network in vm.networks):
            continue
        if vm.running_tasks:
            busy.append(vm)
            continue
        acts.append(
            Act(
                key=f"network:{vm.id}",
                kind="connect",
                vm=vm.id,
                name=vm.name,
                args={source: to for source, to in moves.items() if source in vm.networks},
                choices=("retry", "skip"),
                says=f"connect {vm.name} to its recovery network",
            )
        )
    wait = f"tasks under way on {names(busy)}" if busy else ""
    return Phase(
        operation=f.id, name="Map VM networks", acts=tuple(acts), wait=wait, then=step("power", f.id)
    )


def unready(s: Situation) -> tuple[VmFacts, ...]:
    """The VMs of the runbook group that is being started which do not serve yet."""
    session, rollback = s.record.session, s.record.rollback
    rolling = session is not None and session.state is SessionState.ROLLING_BACK
    r: FailoverRecord | RollbackRecord | None = rollback if rolling else s.record.failover
    order = groups(s.rollback_vms() if rolling else s.living(), s.settings)
    if r is None or r.phase != "power" or r.g >= len(order):
        return ()
    return tuple(vm for vm in order[r.g].vms if not s.ready(vm))


def _starting(
    s: Situation, vms: Sequence[VmFacts], r: FailoverRecord | RollbackRecord, over: str, ident: str
) -> Plan:
    """Runbook group `r.g`: power on, wait until ready, wait for the delay, go on to the next."""
    order = groups(vms, s.settings)
    if r.g >= len(order):
        return Plan(Phase(operation=r.id, name="Execute runbook", then=step(over, r.id, r.n, r.g)))
    group = order[r.g]
    label = f"Execute runbook: {group.name}"
    last = r.g + 1 >= len(order)
    onwards = step(over if last else "next", r.id, r.n, r.g)
    if r.phase == "delay":
        left = group.delay_s - (s.now - r.since).total_seconds()
        wait = f"{show_duration(left + 0.999)} before the next group starts" if left > 0 else ""
        return Plan(Phase(operation=r.id, name=label, wait=wait, then=onwards))
    off = [vm for vm in group.vms if vm.power != "on"]
    waited = [vm for vm in group.vms if not s.ready(vm)]
    limit = float(s.settings.ready_timeout)
    if waited and s.now > r.since + timedelta(seconds=limit):
        text = (
            f"Not ready ({s.settings.ready}) within {show_duration(limit)}: {names(waited)}."
            " Answer retry to wait as long again, or skip to go on without."
        )
        ask = SiteQuestion(
            id=f"ready:{ident}:{r.g}:{r.n}", operation=r.id, text=text, choices=("retry", "skip")
        )
        return Plan(None, ask)
    acts = tuple(
        Act(
            key=f"power:{r.g}:{r.n}:{vm.id}",
            kind="power_on",
            vm=vm.id,
            name=vm.name,
            choices=("retry", "skip"),
            says=f"power on {vm.name}",
        )
        for vm in off
        if not vm.running_tasks
    )
    wait = f"not ready yet ({s.settings.ready}): {names(waited)}" if waited else ""
    then = step("delay", r.id, r.n, r.g) if group.delay_s and not last else onwards
    return Plan(Phase(operation=r.id, name=label, acts=acts, wait=wait, then=then))


def _entering(s: Situation, operation: str) -> Plan:
    """Wait for consistency, make an entry point on every VM, then be active."""
    session = s.record.session
    assert session is not None
    name = "Start the PITR session"
    vms = [vm for vm in s.session_vms() if vm.id not in s.record.skipped]
    busy = [vm for vm in vms if vm.running_tasks]
    if session.entry is None:
        wait = f"waiting for consistency: tasks under way on {names(busy)}" if busy else ""
        return Plan(Phase(operation=operation, name=name, wait=wait, then=step("entry", operation)))
    point = point_name(session.entry)
    lacking = [vm for vm in vms if not any(snap.name == point for snap in vm.snapshots)]
    acts = tuple(
        Act(
            key=f"entry:{vm.id}",
            kind="snapshot",
            vm=vm.id,
            name=vm.name,
            args={"name": point, "description": f"drdeck: entry point of PITR session {session.id}"},
            choices=("retry", "skip"),
            says=f"make the entry point of {vm.name}",
        )
        for vm in lacking
        if not vm.running_tasks
    )
    wait = f"making entry points: {names(lacking)}" if lacking else ""
    return Plan(Phase(operation=operation, name=name, acts=acts, wait=wait, then=step("active", operation)))


def _rolling_back(s: Situation, r: RollbackRecord) -> Plan:
    vms = s.rollback_vms()
    if r.phase == "off":
        up = [vm for vm in vms if vm.power != "off"]
        acts = tuple(
            Act(
                key=f"off:{vm.id}",
                kind="power_off",
                vm=vm.id,
                name=vm.name,
                choices=("retry", "skip"),
                says=f"power off {vm.name}",
            )
            for vm in up
            if not vm.running_tasks
        )
        wait = f"powering off: {names(up)}" if up else ""
        return Plan(
            Phase(operation=r.id, name="Power off the VMs", acts=acts, wait=wait, then=step("revert", r.id))
        )
    if r.phase == "revert":
        return Plan(_reverting(s, r, vms))
    return _starting(s, vms, r, "over", f"rollback:{r.id}")


def _reverting(s: Situation, r: RollbackRecord, vms: Sequence[VmFacts]) -> Phase:
    """Nothing is started before all are reverted, so that reverting again after a loss harms nothing."""
    acts, busy = [], []
    for vm in vms:
        point = target(vm, r.to, s.record)
        if vm.running_tasks:
            busy.append(vm)
            continue
        acts.append(
            Act(
                key=f"revert:{vm.id}",
                kind="revert",
                vm=vm.id,
                name=vm.name,
                args={"snapshot": point.id if point else "", "name": point.name if point else ""},
                after_loss="repeat",
                choices=("retry", "skip"),
                says=f"roll {vm.name} back to {point.name if point else 'a point that is gone'}",
            )
        )
    wait = f"tasks under way on {names(busy)}" if busy else ""
    return Phase(
        operation=r.id, name="Roll the VMs back", acts=tuple(acts), wait=wait, then=step("power", r.id)
    )


def _exiting(s: Situation, operation: str) -> Plan:
    """Drop what the session leaves behind, leaves first and one snapshot of a VM at a time."""
    acts, waits = [], []
    for vm in s.session_vms():
        doomed = _doomed(s, vm)
        if not doomed:
            continue
        waits.append(vm)
        if vm.running_tasks:
            continue
        snapshot = leaves_first(vm, doomed)[0]
        acts.append(
            Act(
                key=f"remove:{vm.id}:{snapshot.id}",
                kind="remove",
                vm=vm.id,
                name=vm.name,
                args={"snapshot": snapshot.id, "name": snapshot.name},
                choices=("retry", "skip"),
                says=f'remove "{snapshot.name}" of {vm.name}',
            )
        )
    wait = f"removing points of {names(waits)}" if waits else ""
    return Plan(
        Phase(
            operation=operation,
            name="Exit the PITR session",
            acts=tuple(acts),
            wait=wait,
            then=step("closed", operation),
        )
    )


def _doomed(s: Situation, vm: VmFacts) -> set[str]:
    """Ids of the VM's snapshots that go with the exit; others' only with prune = "all"."""
    session = s.record.session
    assert session is not None
    if vm.id in s.record.skipped:
        return set()
    mine = [snap for snap in vm.snapshots if ours(snap) or s.settings.prune == "all"]
    entry = point_name(session.entry) if session.entry else None
    if session.n:
        kept = ancestors(vm) if vm.current_snapshot else {snap.id for snap in vm.snapshots}
        return {snap.id for snap in mine if snap.id not in kept or snap.name == entry}
    if session.after is not None:
        return {snap.id for snap in mine}
    return {snap.id for snap in mine if snap.name == entry}
