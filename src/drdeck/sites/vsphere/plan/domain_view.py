"""A domain as the console shows it, out of its situation and its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import (
    Domain,
    Failover,
    FailoverType,
    Mode,
    Networks,
    Owner,
    Session,
    SessionState,
    Step,
    StepState,
    Vm,
)
from drdeck.model.text import names, some
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.record.attributes import Record

from .domain_alarms import FirstSeen, alarms, missing_replicas
from .domain_state import DomainState, Plan, groups, runbook
from .pitr_session import removed_of_others
from .restore_points import instant_of, instants, newest, ours, usable


def recoverable(s: DomainState, vm: VmFacts) -> bool:
    """Registered, connected, and with PITR a restore point."""
    if vm.connection != "connected":
        return False
    return not s.settings.pitr.enabled or newest(vm, s.record, s.now) is not None


def build(
    s: DomainState,
    folder: FolderFacts,
    inventory: Inventory,
    plan: Plan,
    errors: Mapping[str, str],
    first_seen: FirstSeen,
    addresses: tuple[str, str],
    not_covered: Callable[[VmFacts], tuple[str, ...]] = lambda _: (),
) -> Domain:
    """A domain as consoles show it. `addresses`: of this site and of the protected one; `not_covered`: the
    devices of a VM that rollbacks do not cover, in words."""
    record, policy = s.record, s.settings.pitr.policy()
    lost = missing_replicas(s)
    able = [vm for vm in s.vms if recoverable(s, vm)]
    total = len(s.vms) + len(lost)
    mode = record.mode_without_vms
    if mode is Mode.SYNCHRONISED and (len(able) < total or total == 0):
        mode = Mode.REHYDRATING
    after = record.failover is not None
    done = [vm for vm in s.vms if vm.id in record.skipped or s.ready(vm)] if record.owned else []
    offered = [i for i, _ in instants(s.vms, record, s.now)] if policy.enabled else []
    ages = [newest(vm, record, s.now) for vm in s.vms]
    steps = steps_of(s, plan)
    current = next((x for x in steps if x.state is StepState.CURRENT), None)
    if current is None and mode is Mode.REHYDRATING and total:
        current = Step(
            number=1,
            of=1,
            label="Wait until every VM is recoverable",
            state=StepState.CURRENT,
            progress=100 * len(able) / total,
            detail=_lacking(s, able, lost),
        )
    return Domain(
        id=folder.id,
        name=folder.name,
        mode=mode,
        owner=Owner.LOCAL if record.owned else Owner.REMOTE,
        owner_address=addresses[0] if record.owned else addresses[1],
        vms_total=total,
        vms_recoverable=len(able),
        vms_recovered=len(done),
        pitr=policy,
        consistent_at=min((a for a in ages if a), default=None) if ages and all(ages) else None,
        step=current,
        session=_session(s, plan),
        failover=_failover(record),
        alarms=tuple(alarms(s, lost, first_seen)),
        excluded=record.periods,
        reset_at=record.pitr.reset,
        points=len(offered),
        oldest_point=offered[-1] if offered else None,
        newest_point=offered[0] if offered else None,
        vms=(
            *(_vm(s, vm, inventory, errors, after, not_covered(vm)) for vm in s.vms),
            *(_absent(n) for n in lost),
        ),
        steps=steps,
        networks=_networks(s, inventory),
        runbook=runbook(s.vms, s.settings),
        phase=plan.phase,
        question=plan.question,
        askers=record.askers,
        was_synchronised=record.was_synchronised,
    )


def broken(folder: FolderFacts, vms: tuple[VmFacts, ...], why: str, first_seen: FirstSeen) -> Domain:
    """A domain whose record makes no sense: shown, and left alone."""
    alarm = Alarm(
        time=first_seen("record", None), severity=Severity.CRITICAL, vm=None, kind="record", text=why
    )
    return Domain(
        id=folder.id,
        name=folder.name,
        mode=Mode.IMPORTED,
        owner=Owner.REMOTE,
        vms_total=len(vms),
        vms=tuple(Vm(id=vm.id, name=vm.name, power=vm.power) for vm in vms),
        alarms=(alarm,),
        broken=why,
    )


def _lacking(s: DomainState, able: list[VmFacts], lost: list[str]) -> str:
    if lost:
        return f"no replica yet of {some(lost)}"
    bad = [vm for vm in s.vms if vm not in able]
    gone = [vm for vm in bad if vm.connection != "connected"]
    if gone:
        return f"{gone[0].connection}: {names(gone)}"
    return f"no restore point yet: {names(bad)}" if bad else ""


def _session(s: DomainState, plan: Plan) -> Session | None:
    r = s.record.session
    if r is None:
        return None
    members = s.session_vms()
    return Session(
        id=r.id,
        state=r.state,
        started_at=r.started,
        entry_at=r.entry,
        rolled_back_to=r.back,
        rollbacks=r.n,
        after_failover=r.after,
        vms=tuple(vm.name for vm in members) if s.record.session_vms else (),
        waits_for=plan.phase.wait if plan.phase else "",
        last_operation=r.last,
        target=s.record.rollback.to if s.record.rollback else None,
    )


def _failover(record: Record) -> Failover | None:
    f = record.failover
    if f is None:
        return None
    return Failover(id=f.id, type=f.type, run_pitr=f.pitr, began_at=f.began, recovered_at=f.recovered)


def _networks(s: DomainState, inventory: Inventory) -> Networks:
    ids = {network for vm in s.vms for network in vm.networks}
    if s.record.owned:  # they may be on their recovery networks by now
        chosen = s.record.networks.items()
        ids = {source for n in ids for source in [a for a, b in chosen if b == n] or [n]}
    known = inventory.networks
    named = {a: known[a].name for a in known}
    return Networks(
        protected=tuple(sorted(inventory.network_names(ids))),
        recovery=tuple(sorted({n.name for n in known.values()})),
        mapping={named.get(a, a): named.get(b, b) for a, b in s.record.networks.items()},
    )


def _absent(name: str) -> Vm:
    return Vm(id=f"absent:{name}", name=name, status="not_recoverable", detail="no replica at this site")


def _vm(
    s: DomainState,
    vm: VmFacts,
    inventory: Inventory,
    errors: Mapping[str, str],
    after: bool,
    not_covered: tuple[str, ...],
) -> Vm:
    able = recoverable(s, vm)
    group = (
        next((g.name for g in groups(s.vms, s.settings) if vm in g.vms), None) if s.settings.runbook else None
    )
    status, detail = "recoverable" if able else "not_recoverable", ""
    if not able:
        detail = vm.connection if vm.connection != "connected" else "no restore point"
    rolling = s.record.session is not None and s.record.session.state is SessionState.ROLLING_BACK
    if s.record.owned:
        ready = s.ready(vm)
        status = "recovered" if ready or vm.id in s.record.skipped else "recovering"
        if rolling and vm in s.rollback_vms():
            status = "rolling_back"
        detail = "" if ready else "left out by the operator" if vm.id in s.record.skipped else "not ready yet"
        if s.lacks_entry(vm):
            detail = "no rollback: no entry point"
    if vm.running_tasks:
        detail = "a task is under way"
    if vm.question is not None:
        detail = f"vCenter asks: {vm.question.text}"
    return Vm(
        id=vm.id,
        name=vm.name,
        status=status,
        power=vm.power,
        ready=s.ready(vm) if s.record.owned else None,
        restore_points=sum(1 for x in vm.snapshots if usable(x, s.record)) if s.settings.pitr.enabled else 0,
        newest_point=newest(vm, s.record, s.now),
        rolled_back_to=rolled_back_to(s, vm),
        error=errors.get(vm.id),
        group=group,
        networks=inventory.network_names(vm.networks),
        detail=detail,
        question=vm.question,
        not_covered=not_covered,
        foreign_snapshots=_made_by_others(s, vm),
        exit_removes=removed_of_others(s, vm) if s.record.session is not None else (),
    )


def _made_by_others(s: DomainState, vm: VmFacts) -> tuple[str, ...]:
    """Names of the snapshots that others made since the PITR session began, by their dates."""
    started = s.record.session.started if s.record.session is not None else None
    if started is None:
        return ()
    return tuple(snap.name for snap in vm.snapshots if not ours(snap) and instant_of(snap) >= started)


def rolled_back_to(s: DomainState, vm: VmFacts) -> datetime | None:
    """The instant that a VM was rolled back to, in this session or the last one."""
    r = s.record.rollback
    if r is not None and r.phase in ("power", "delay", "over"):
        chosen = s.record.rollback_vms
        if (not chosen or vm.id in chosen) and vm.id not in s.record.skipped:
            return r.to
    session = s.record.session
    if session is None or session.n == 0 or vm.current_snapshot is None:
        return None
    by_id = {x.id: x for x in vm.snapshots}
    at = by_id.get(vm.current_snapshot)
    while at is not None and not usable(at, s.record):
        at = by_id.get(at.parent_id or "")  # made by others in the session, on top of where the VM stands
    if at is None or instant_of(at) == session.entry:
        return None
    return instant_of(at)


def steps_of(s: DomainState, plan: Plan) -> tuple[Step, ...]:
    """The steps that this site really takes for what goes on, or for what it did last."""
    session, f = s.record.session, s.record.failover
    detail = (plan.question.text if plan.question else plan.phase.wait if plan.phase else "") or ""
    if session is not None and session.state is SessionState.ROLLING_BACK and s.record.rollback is not None:
        phase = s.record.rollback.phase
        at = {"off": 0, "revert": 1}.get(phase, 2)
        done = _phase_progress(s, plan)
        return _numbered(("Power off the VMs", "Roll the VMs back", "Execute runbook"), at, detail, done)
    if session is not None and session.state is SessionState.EXITING:
        return _numbered(("Exit the PITR session",), 0, detail, None)
    if f is None:
        return ()
    labels = ["Take Protected Domain ownership", "Map VM networks", "Execute runbook"]
    if f.type is FailoverType.PLANNED:
        labels = ["Shut down protected VMs", "Recover the rest of the data", *labels]
    offset = len(labels) - 3
    at = {"shutdown": 0, "point": 1}.get(f.phase, {"take": 0, "network": 1}.get(f.phase, 2) + offset)
    if f.pitr:
        labels += ["Start the PITR session", "PITR session"]
    if f.phase in ("recovered", "finished"):
        at = offset + 3
    if f.phase == "recovered" and session is None:
        late = [vm for vm in s.living() if not s.ready(vm)]
        detail = f"not ready any more ({s.settings.ready}): {s.in_words(late)}" if late else detail
        if late:
            at = offset + 2
    if f.pitr and session is not None and session.state is not SessionState.WAITING:
        at, detail = offset + 4, "roll back, then exit"
    if f.phase == "finished":
        at = len(labels)
    return _numbered(tuple(labels), at, detail, _phase_progress(s, plan))


def _phase_progress(s: DomainState, plan: Plan) -> float | None:
    """Share of the VMs that are through, where the phase counts VMs."""
    if not s.vms or plan.phase is None:
        return None
    if plan.phase.name.startswith("Execute runbook"):
        return 100 * sum(1 for vm in s.vms if s.ready(vm)) / len(s.vms)
    return None


def _numbered(labels: tuple[str, ...], at: int, detail: str, progress: float | None) -> tuple[Step, ...]:
    steps = []
    for i, label in enumerate(labels):
        state = StepState.DONE if i < at else StepState.CURRENT if i == at else StepState.PENDING
        one = Step(number=i + 1, of=len(labels), label=label, state=state)
        if i == at:
            one = msgspec.structs.replace(one, detail=detail, progress=progress)
        steps.append(one)
    return tuple(steps)
