"""A domain as the console shows it, out of its state and its plan."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import (
    Domain,
    Failover,
    FailoverType,
    Mode,
    Networks,
    Owner,
    PitrPolicy,
    Session,
    SessionState,
    Step,
    StepState,
    Vm,
)
from drdeck.model.text import names, some
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, VmFacts
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan
from drdeck.sites.vsphere.plan.parts.runbook_groups import runbook
from drdeck.sites.vsphere.record.domain_record import Record

from .domain_alarms import FirstSeen, absent_still, alarms, missing_replicas
from .domain_state import DomainState
from .failover_undo import undo_of
from .life.primary import NOT_PROTECTED, protected_elsewhere, way_back_of
from .maintenance import half_made
from .restore_points import instants
from .trials.trial_view import as_steps, last_trial, offer_of, strays_of, trial_alarms, trial_of, trial_steps
from .vm_rows import VmRow


def build(
    s: DomainState,
    folder: FolderFacts,
    inventory: Inventory,
    plan: Plan,
    rows: Sequence[VmRow],
    first_seen: FirstSeen,
    addresses: tuple[str, str],
) -> Domain:
    """A domain as consoles show it. `rows`: of its VMs, in their order; `addresses`: of this site and of the
    protected one."""
    record, policy = s.record, s.settings.pitr.policy()
    lost = missing_replicas(s)
    able = [vm for vm, row in zip(s.vms, rows, strict=True) if row.recoverable]
    absent = absent_still(s)
    total = len(s.vms) + len(lost) + len(absent)
    mode = record.mode_without_vms
    if mode is Mode.RUNNING_IN_FAILOVER and protected_elsewhere(s):
        mode = Mode.PROTECTED
    if mode is Mode.SYNCHRONISED and (len(able) < total or total == 0):
        mode = Mode.REHYDRATING
    offered = [i for i, _ in instants(s.vms, record, s.now)] if policy.enabled else []
    half = half_made(s)  # what not all have joined yet is not the newest point
    latest = next((i for i in offered if half is None or i != half[0]), None)
    ages = [row.newest for row in rows if not row.view.left_out]
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
        vms_recovered=sum(row.recovered for row in rows),
        pitr=policy,
        consistent_at=min((a for a in ages if a), default=None) if ages and all(ages) else None,
        step=current,
        session=_session(s, plan),
        failover=_failover(record),
        alarms=(*alarms(s, lost, first_seen), *trial_alarms(s, first_seen)),
        excluded=record.periods,
        reset_at=record.pitr.reset,
        points=len(offered),
        oldest_point=offered[-1] if offered else None,
        newest_point=latest,
        vms=(
            *(row.view for row in rows),
            *(_absent(n) for n in lost),
            *(_absent(n, left_out=True, joins=joins) for n, joins in absent.items()),
        ),
        steps=steps,
        networks=_networks(s, inventory),
        runbook=runbook(s.vms, s.settings),
        phase=plan.phase,
        question=plan.question,
        remapping=record.remap.by if record.remap is not None and not record.remap.over else None,
        remapped=record.remap.by if record.remap is not None and record.remap.over else None,
        askers=record.askers,
        was_synchronised=record.was_synchronised,
        configuration_goes_back=True,  # API reference: RevertToSnapshot_Task
        committed_at=record.committed.at if record.committed is not None else None,
        undo=undo_of(s),
        undoing=record.undo.by if record.undo is not None else None,
        committing=record.committed.by
        if record.committed is not None and not record.committed.over
        else None,
        mode_says=_mode_says(s),
        way_back=way_back_of(s),
        trial=trial_of(s, plan, inventory),
        tested=last_trial(s),
        strays=strays_of(s),
        trial_offer=offer_of(s, inventory),
    )


def _mode_says(s: DomainState) -> str:
    """The label of the mode where it is not the mode's own."""
    if s.record.undo is not None:
        return "Undoing Failover"
    at_rest = s.record.restored is not None and s.record.mode_without_vms is Mode.RUNNING_IN_FAILOVER
    return NOT_PROTECTED if at_rest and not protected_elsewhere(s) else ""


def broken(
    folder: FolderFacts,
    vms: tuple[VmFacts, ...],
    why: str,
    first_seen: FirstSeen,
    removed: bool = False,
) -> Domain:
    """A domain whose record makes no sense, or was removed: shown, and left alone."""
    kind = "record_removed" if removed else "record"
    alarm = Alarm(time=first_seen(kind, None), severity=Severity.CRITICAL, vm=None, kind=kind, text=why)
    return Domain(
        id=folder.id,
        name=folder.name,
        mode=Mode.IMPORTED,
        owner=Owner.REMOTE,
        vms_total=len(vms),
        vms=tuple(Vm(id=vm.id, name=vm.name, power=vm.power) for vm in vms),
        alarms=(alarm,),
        broken=why,
        record_removed=removed,
    )


def unread(folder: FolderFacts, record: Record, policy: PitrPolicy, addresses: tuple[str, str]) -> Domain:
    """A domain before its VMs were read: what its record tells, and nothing that VMs decide."""
    mode, session = record.mode_without_vms, record.session
    by_vms = mode is Mode.SYNCHRONISED
    return Domain(
        id=folder.id,
        name=folder.name,
        mode=Mode.UNKNOWN if by_vms else mode,
        mode_says="Rehydration" if by_vms else "",
        owner=Owner.LOCAL if record.owned else Owner.REMOTE,
        owner_address=addresses[0] if record.owned else addresses[1],
        pitr=policy,
        session=None
        if session is None
        else Session(id=session.id, state=session.state, started_at=session.started, entry_at=session.entry),
        unread=True,
    )


def _lacking(s: DomainState, able: list[VmFacts], lost: list[str]) -> str:
    if lost:
        return f"no replica yet of {some(lost)}"
    ids = {vm.id for vm in able}
    bad = [vm for vm in s.vms if vm.id not in ids]
    unconnected = [vm for vm in bad if vm.connection != "connected"]
    if unconnected:
        return f"{unconnected[0].connection}: {names(unconnected)}"
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
        entering=s.record.entering.by if s.record.entering is not None else None,
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
        was = s.record.remap.was if s.record.remap is not None else ()
        mapping = [pair for pair in s.record.networks.items() if pair[0] not in was]
        ids = {source for n in ids for source in [a for a, b in mapping if b == n] or [n]}
    networks = inventory.networks
    named = {a: networks[a].name for a in networks}
    return Networks(
        protected=tuple(sorted(inventory.network_names(ids))),
        recovery=tuple(sorted({n.name for n in networks.values()})),
        mapping={named.get(a, a): named.get(b, b) for a, b in s.record.networks.items()},
    )


def _absent(name: str, left_out: bool = False, joins: bool = False) -> Vm:
    """A protected VM that has no replica."""
    detail = "no replica at this site"
    if left_out:
        detail += "; it joins when there is one" if joins else "; left out on the operator's word"
    return Vm(
        id=f"absent:{name}",
        name=name,
        status="left_out" if left_out else "not_recoverable",
        detail=detail,
        unusable="no replica",
        left_out=left_out,
        joins=joins,
    )


def steps_of(s: DomainState, plan: Plan) -> tuple[Step, ...]:
    """The steps that this site really takes for what goes on, or for what it did last."""
    session, f, undo = s.record.session, s.record.failover, s.record.undo
    detail = (plan.question.text if plan.question else plan.phase.wait if plan.phase else "") or ""
    if session is not None and session.state is SessionState.ROLLING_BACK and s.record.rollback is not None:
        phase = s.record.rollback.phase
        at = {"off": 0, "revert": 1}.get(phase, 2)
        done = _phase_progress(s, plan)
        return _numbered(("Power off the VMs", "Roll the VMs back", "Execute runbook"), at, detail, done)
    if session is not None and session.state is SessionState.EXITING:
        return _numbered(("Exit the PITR session",), 0, detail, None)
    if s.record.release is not None:
        at = 0 if s.record.release.phase == "wait" else 1
        return _numbered(("Wait for replicas", "Remove points"), at, detail, None)
    if undo is not None:
        at = {"off": 0, "revert": 1}.get(undo.phase, 2)
        return _numbered(
            ("Power off the VMs", "Take back what was written", "Remove points"), at, detail, None
        )
    if f is None:
        tested = trial_steps(s, plan)
        return () if tested is None else as_steps(*tested)
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
        step = Step(number=i + 1, of=len(labels), label=label, state=state)
        if i == at:
            step = msgspec.structs.replace(step, detail=detail, progress=progress)
        steps.append(step)
    return tuple(steps)
