"""A domain's test as the model shows it, from its instants."""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.facts.trial_facts import LastTrial, StrayTrialVm, Trial, TrialOffer, TrialState, TrialVm
from drdeck.model.life.trial_words import ADOPTED, stray_says, tool_owed_says
from drdeck.model.text import show_bytes
from drdeck.model.times import show_spaced
from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.simulation.life import trial as trials
from drdeck.sites.training.simulation.life import trial_state
from drdeck.sites.training.simulation.life.trial_state import MANUAL, KeptClone, SimulatedTrial
from drdeck.sites.training.units import NEVER, instant

_DISK = "[datastore1] file-server/file-server_1.vmdk"
_FOREIGN = (
    "a disk of another VM is attached to it; detach it (drdeck test detach), which leaves its file, then end"
    " the test again"
)


def trial_now(machine: DomainMachine, at: int) -> Trial | None:
    trial = None if machine.trials is None else trial_state.going(machine, at)
    if trial is None:
        return None
    state = _state(machine, trial, at)
    numbers: Sequence[int] = trial.left
    if trial.off_at == NEVER:
        numbers = [number for number, done in trial.cloned.items() if at >= done]
    elif at < trial.removed_at:
        numbers = trial.there
    return Trial(
        operation=trial.operation or trial.of,
        state=state,
        since=instant(trial.began_at),
        ends_at=instant(trial.ends_at),
        point=None if trial.to is None else instant(trial.to),
        vms=(
            *(_vm(machine, trial, number, at) for number in numbers),
            *(_kept(machine, clone) for clone in trial_state.listed(machine, at)),
        ),
        networks=trial.networks,
        waits_for=_waits(machine, trial, state, at),
        grown_bytes=trials.written(machine, trial, at),
    )


def _state(machine: DomainMachine, trial: SimulatedTrial, at: int) -> TrialState:
    if trial.off_at != NEVER:
        left = trial.left or trial_state.listed(machine, at) or trial_state.strays(machine, at)
        return TrialState.LEFT_OVER if left and at >= trial.removed_at else TrialState.ENDING
    if at < trial.running_at:
        return TrialState.STARTING
    return TrialState.OVERDUE if at > trial.ends_at else TrialState.RUNNING


def _vm(machine: DomainMachine, trial: SimulatedTrial, number: int, at: int) -> TrialVm:
    vm = machine.vms[number]
    left = number in trial.left and at >= trial.removed_at
    on = trial.started[number] <= at < trial.off_at
    return TrialVm(
        id=trials.ident_of(machine, trial, number),
        name=trial.names[number],
        of=vm.name,
        power="on" if on else "off",
        ready=on and trial.ready[number] <= at,
        left=_FOREIGN if left else "",
        foreign=(_DISK,) if left else (),
    )


def _kept(machine: DomainMachine, clone: KeptClone) -> TrialVm:
    """A test VM of an earlier test, in the list."""
    why = _FOREIGN if clone.foreign else ADOPTED if clone.gone_at == NEVER else ""
    return TrialVm(
        id=clone.ident,
        name=clone.name,
        of=machine.vms[clone.number].name,
        power="off",
        left=why,
        foreign=(_DISK,) if clone.foreign else (),
    )


def strays(machine: DomainMachine, at: int) -> tuple[StrayTrialVm, ...]:
    """Test VMs that came after their test, and that no list has."""
    if machine.trials is None:
        return ()
    return tuple(
        StrayTrialVm(
            id=clone.ident,
            name=clone.name,
            of=machine.vms[clone.number].name,
            power="off",
            operation=clone.operation,
        )
        for clone in trial_state.strays(machine, at)
    )


def _waits(machine: DomainMachine, trial: SimulatedTrial, state: TrialState, at: int) -> str:
    if state is TrialState.ENDING:
        return "removing the test VMs" if at < trial.removed_at else ""
    paused = trial_state.of(machine).tool
    if state is TrialState.LEFT_OVER and paused is not None:
        return tool_owed_says(paused.by, instant(paused.at))
    if state is not TrialState.STARTING or trial_state.unasked(machine):
        return ""
    cloning = [machine.vms[n].name for n, done in trial.cloned.items() if done > at]
    if cloning:
        return f"cloning {len(cloning)} of {len(trial.numbers)} VMs"
    booting = [machine.vms[n].name for n, done in trial.ready.items() if done > at]
    return f"{len(booting)} of {len(trial.numbers)} test VMs are not ready yet"


def last(machine: DomainMachine) -> LastTrial | None:
    ended = None if machine.trials is None else trial_state.of(machine).last
    if ended is None:
        return None
    return LastTrial(
        at=instant(ended.at),
        result=ended.result,
        note=ended.note,
        vms=ended.vms,
        point=None if ended.to is None else instant(ended.to),
    )


def offer(machine: DomainMachine) -> TrialOffer:
    closed = "" if machine.vms else f'"{machine.spec.name}" has no VM'
    return TrialOffer(
        closed=closed,
        networks=(trials.BUBBLE,),
        mapping={vm.network: trials.BUBBLE for vm in machine.vms},
        ends_after_s=trials.ENDS_AFTER_S,
    )


def alarms(machine: DomainMachine, at: int) -> list[Alarm]:
    """Alarms of a test: too long, what waits for it, and what is left over."""
    if machine.trials is None:
        return []
    due = [
        _alarm(clone.comes_at, Severity.WARNING, "test_leftover", machine.vms[clone.number].name,
               stray_says(clone.name))
        for clone in trial_state.strays(machine, at)
    ]  # fmt: skip
    trial, current = trial_state.going(machine, at), trial_now(machine, at)
    if trial is None or current is None:
        return due
    state, since = current.state, trial.began_at if trial.removed_at == NEVER else trial.removed_at
    due += [
        _alarm(since, Severity.WARNING, "test_leftover", vm.of, f"test VM {vm.name} is left over: {vm.left}")
        for vm in current.left
    ]
    paused = trial_state.of(machine).tool
    if paused is not None and not machine.local:
        severity = Severity.INFO if trial.off_at == NEVER else Severity.WARNING
        text = tool_owed_says(paused.by, instant(paused.at))
        due.append(_alarm(paused.at, severity, "tool_paused", None, text))
    if state is TrialState.OVERDUE:
        text = f"the test was to end at {show_spaced(instant(trial.ends_at))}; its VMs run and grow: end it"
        due.append(_alarm(trial.ends_at, Severity.WARNING, "test_overdue", None, text))
    since = trial.began_at + trials.RETENTION_WAITS
    if at >= since and trial.off_at == NEVER and machine.spec.tool != MANUAL:
        grown = show_bytes(trials.written(machine, trial, at))
        text = (
            f"the replication tool's retention waits for the end of the test, which has taken {grown} so far"
        )
        due.append(_alarm(since, Severity.INFO, "retention_waits", None, text))
    return due


def _alarm(since: int, severity: Severity, kind: str, vm: str | None, text: str) -> Alarm:
    return Alarm(time=instant(since), severity=severity, vm=vm, kind=kind, text=text)
