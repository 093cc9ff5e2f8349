"""A domain as the model shows it, from its state since the last event and the instant."""

from __future__ import annotations

from datetime import datetime

from drdeck.model import domains as model
from drdeck.model.alarms import Alarm
from drdeck.model.domains import Mode, Owner, Period, Step
from drdeck.model.facts.life_facts import Undo
from drdeck.model.life.commit_reminder import commit_reminder
from drdeck.model.planned import SiteQuestion
from drdeck.sites.training.simulation import operator_questions, restore_points, task_steps
from drdeck.sites.training.simulation.domain_machine import DomainMachine, SessionSpan, SessionStage, Stage
from drdeck.sites.training.simulation.life import trial_questions
from drdeck.sites.training.units import MICRO, SECOND, instant, percent

from . import domain_alarms, return_view, trial_view
from .vm_view import VmViews

SYNCHRONISED_WITHIN = 60 * SECOND
"""data that is older than this and not here yet: not synchronised"""

SESSION_STATES = {
    SessionStage.WAITING: model.SessionState.WAITING,
    SessionStage.ACTIVE: model.SessionState.ACTIVE,
    SessionStage.READING: model.SessionState.ROLLING_BACK,
    SessionStage.REVERTED: model.SessionState.ROLLING_BACK,
    SessionStage.BOOTING: model.SessionState.ROLLING_BACK,
    SessionStage.EXITING: model.SessionState.EXITING,
}


def mode(machine: DomainMachine, at: int) -> Mode:
    """The domain's mode; a session counts from its being active."""
    if machine.session is not None and machine.session.stage is not SessionStage.WAITING:
        return Mode.PITR_SESSION
    match machine.stage:
        case Stage.IMPORTED:
            return Mode.IMPORTED
        case Stage.PROTECTED:
            return Mode.PROTECTED
        case Stage.RUNNING | Stage.RETURNING:
            return Mode.RUNNING_IN_FAILOVER
        case Stage.REHYDRATING if synchronised(machine, at):
            return Mode.SYNCHRONISED
        case Stage.PREPARING | Stage.REHYDRATING:
            return Mode.REHYDRATING
    return Mode.COMPLETING


def synchronised(machine: DomainMachine, at: int) -> bool:
    """Every disk is here, and what is missing is young."""
    lag = None if machine.flow is None else machine.flow.lag(at)
    return lag is not None and lag <= SYNCHRONISED_WITHIN


def domain(machine: DomainMachine, at: int) -> model.Domain:
    """The whole domain at `at`."""
    spec, now_mode = machine.spec, mode(machine, at)
    enabled = spec.pitr.enabled
    grid = restore_points.of_domain(machine, at) if enabled else None
    entered = restore_points.entry(machine, at) if enabled else None
    newest = None if grid is None else grid.newest(at)
    oldest = None if grid is None else grid.oldest()
    count = 0 if grid is None else grid.count()
    stops = operator_questions.question(machine, at)
    question = stops or trial_questions.question(machine, at)
    current = step(machine, at, now_mode, stops)
    vm_views = VmViews(machine, at, now_mode, grid)
    vms = tuple(vm_views.of(vm) for vm in machine.vms)
    amounts = _amounts(machine, at)
    undo = _undo(machine, now_mode)
    return model.Domain(
        id=f"domain-{machine.number + 1}",
        name=spec.name,
        mode=now_mode,
        owner=Owner.LOCAL if machine.local else Owner.REMOTE,
        owner_address="" if machine.local else spec.owner_address,
        vms_total=len(vms),
        vms_recoverable=vm_views.recoverable,
        vms_recovered=vm_views.recovered,
        pitr=model.PitrPolicy(
            enabled=enabled,
            window_s=machine.window / SECOND if enabled else 0,
            interval_s=machine.interval / SECOND if enabled else 0,
        ),
        consistent_at=_consistent_at(machine, at),
        processed_bytes=amounts[0],
        remaining_bytes=amounts[1],
        storage_site=spec.storage_site,
        step=current,
        session=_session(machine, at),
        failover=_failover(machine),
        alarms=(
            *domain_alarms.of(machine, at),
            *trial_view.alarms(machine, at),
            *_reminder(undo, machine, at),
        ),
        excluded=excluded(machine),
        reset_at=None if machine.reset_at is None else instant(machine.reset_at),
        points=count + (entered is not None),
        oldest_point=_time(entered if oldest is None else oldest),
        newest_point=_time(newest if entered is None else entered),
        vms=vms,
        steps=_steps(machine, current),
        networks=_networks(machine),
        runbook=tuple(
            model.RunbookGroup(
                group=group.name,
                vms=tuple(machine.vms[number].name for number in group.vms),
                delay_after_s=group.delay_after / SECOND,
            )
            for group in machine.groups
        ),
        question=question,
        committed_at=_time(machine.committed_at),
        undo=undo,
        undoing=None if machine.undo is None else machine.undo.operation,
        mode_says=_mode_says(machine),
        way_back=return_view.of(machine),
        trial=trial_view.trial_now(machine, at),
        strays=trial_view.strays(machine, at),
        tested=trial_view.last(machine),
        trial_offer=trial_view.offer(machine),
    )


def _mode_says(machine: DomainMachine) -> str:
    if machine.undo is not None:
        return "Undoing Failover"
    return "Failback in progress" if machine.failback is not None else ""


def _steps(machine: DomainMachine, current: Step | None) -> tuple[Step, ...]:
    if machine.stage in (Stage.IMPORTED, Stage.PROTECTED):
        return ()
    return task_steps.listed(current) if machine.failback is None else return_view.listed(current)


def _undo(machine: DomainMachine, now_mode: Mode) -> Undo | None:
    state = machine.failover
    if state is None or now_mode is not Mode.RUNNING_IN_FAILOVER or machine.failback is not None:
        return None
    since = instant(state.started_at)
    if machine.reset_at is not None and machine.reset_at >= state.began_at:
        reason = "the PITR session after the failover was exited without a rollback, which let it stand"
        return Undo(since=since, reason=f"{reason}: all data from before was reset")
    return Undo(since=since)


def _reminder(undo: Undo | None, machine: DomainMachine, at: int) -> tuple[Alarm, ...]:
    """That a failover was not committed for long; what it takes to undo it is kept here as well."""
    since = None if undo is None or machine.committed_at is not None else undo.since
    reminder = commit_reminder(since, instant(at))
    return () if reminder is None else (reminder,)


def _time(at: int | None) -> datetime | None:
    return None if at is None else instant(at)


def excluded(machine: DomainMachine) -> tuple[Period, ...]:
    """The periods in which a session was active."""
    return tuple(_period(span) for span in machine.excluded)


def _period(span: SessionSpan) -> Period:
    return Period(start=instant(span.start), end=None if span.end is None else instant(span.end))


def _consistent_at(machine: DomainMachine, at: int) -> datetime | None:
    """The newest instant at which every VM could be had; none of a session's can."""
    flow = machine.flow
    if flow is None:
        return None
    applied = flow.applied_time(at)
    if applied is None:
        return None
    if flow.lag(at) == 0 and flow.source_instant(at) == at:
        # nothing has been written since, so now is as good as then
        applied = at
    for span in reversed(machine.excluded):
        if span.start < applied <= span.until:
            return instant(span.start)
    return instant(applied)


def _amounts(machine: DomainMachine, at: int) -> tuple[int | None, int | None]:
    """(processed, remaining) bytes, which together are what was written."""
    if machine.failback is not None:
        return return_view.amounts(machine, at)
    if machine.flow is None:
        return None, None
    processed = machine.flow.processed(at) // MICRO
    return processed, machine.flow.total_at(at) // MICRO - processed


def step(machine: DomainMachine, at: int, now_mode: Mode, question: SiteQuestion | None) -> Step | None:
    """The step that is going on."""
    stage = machine.stage
    if machine.failback is not None:
        return return_view.step(machine, at)
    if stage in (Stage.IMPORTED, Stage.PROTECTED, Stage.RUNNING, Stage.RECOVERED):
        return None
    failed = question is not None
    if machine.step == task_steps.DATA or stage not in (Stage.PREPARING, Stage.TAKING_OVER, Stage.RUNBOOK):
        return task_steps.current(
            task_steps.DATA, _brought(machine, at), _data_detail(machine, at, now_mode), failed
        )
    if stage is Stage.RUNBOOK:
        assert machine.startup is not None
        ready = sum(boot.skipped or boot.ready(at) for boot in machine.startup.boots.values())
        group = machine.startup.group
        detail = "" if group is None else f"group {group.name}"
        pause = machine.startup.waiting_for(at)
        if pause is not None:
            detail = f"{detail} starts in {-((at - pause) // SECOND)} s"
        return task_steps.current(machine.step, percent(ready, len(machine.vms)), detail, failed)
    length = machine.due - machine.step_at
    detail = "the protected site does not answer; its lease has to run out" if _waits_lease(machine) else ""
    return task_steps.current(machine.step, percent(at - machine.step_at, length), detail)


def _waits_lease(machine: DomainMachine) -> bool:
    return machine.step == task_steps.OWNERSHIP and machine.site_lost_at is not None and not machine.local


def _brought(machine: DomainMachine, at: int) -> float:
    assert machine.flow is not None
    return percent(machine.flow.processed(at), machine.flow.total_at(at))


def _data_detail(machine: DomainMachine, at: int, now_mode: Mode) -> str:
    if machine.store_lost_at is not None:
        return "the object store cannot be reached"
    match machine.stage:
        case Stage.CATCHING_UP:
            return "recovering data while the protected VMs run"
        case Stage.SHUTTING_DOWN:
            off = sum(not vm.at_source for vm in machine.vms)
            return f"shutting the protected VMs down: {off} of {len(machine.vms)} are off"
        case Stage.DRAINING:
            return "recovering the rest"
    lag = None if machine.flow is None else machine.flow.lag(at)
    if now_mode is Mode.REHYDRATING and lag is not None:
        return f"the newest data here is {lag // SECOND} s old"
    return "kept up to date" if now_mode is Mode.SYNCHRONISED else ""


def _failover(machine: DomainMachine) -> model.Failover | None:
    state = machine.failover
    if state is None:
        return None
    return model.Failover(
        id=state.operation,
        type=state.type,
        run_pitr=state.run_pitr,
        began_at=instant(state.began_at),
        recovered_at=_time(state.recovered_at),
    )


def _session(machine: DomainMachine, at: int) -> model.Session | None:
    state = machine.session
    if state is None:
        return None
    progress, waits = None, ""
    if state.stage is SessionStage.WAITING:
        waits = "everything written so far is on its way to the storage site"
        if machine.store_lost_at is not None:
            waits = "the object store cannot be reached"
    elif machine.transfer is not None:
        progress = percent(machine.transfer.done(at), machine.transfer.total)
    elif state.stage is SessionStage.REVERTED:
        progress, waits = 100.0, "the VMs are rolled back, and wait for those of other domains"
    elif state.stage is SessionStage.BOOTING:
        progress, waits = 100.0, "the VMs are not ready yet"
    return model.Session(
        id=state.id,
        state=SESSION_STATES[state.stage],
        started_at=_time(state.started_at),
        entry_at=_time(state.started_at),
        rolled_back_to=_time(state.rolled_back_to),
        rollbacks=state.rollbacks,
        after_failover=state.after_failover,
        vms=state.named,
        progress=progress,
        waits_for=waits,
        last_operation=state.last_operation,
        target=_time(state.target),
        reverted=state.stage is SessionStage.REVERTED,
    )


def _networks(machine: DomainMachine) -> model.Networks:
    protected = tuple(sorted({vm.network for vm in machine.vms}))
    mapped = machine.stage not in (Stage.IMPORTED, Stage.PROTECTED) or machine.restored is not None
    return model.Networks(
        protected=protected,
        recovery=machine.offered,
        mapping={name: machine.network_here(name) for name in protected} if mapped else {},
    )
