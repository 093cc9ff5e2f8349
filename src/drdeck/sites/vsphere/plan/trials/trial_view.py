"""A domain's test as consoles show it: how it stands, what is left over, and what the next one would have."""

from __future__ import annotations

from datetime import timedelta

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Step, StepState
from drdeck.model.facts.trial_facts import (
    NOT_SAID,
    LastTrial,
    StrayTrialVm,
    Trial,
    TrialOffer,
    TrialState,
    TrialVm,
)
from drdeck.model.life.trial_words import stray_says
from drdeck.model.text import brief, clean, names, some
from drdeck.model.times import show_duration, show_spaced
from drdeck.sites.vsphere.inventory.inventory_facts import Inventory
from drdeck.sites.vsphere.plan.domain_alarms import FirstSeen
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan
from drdeck.sites.vsphere.plan.restore_points import usable
from drdeck.sites.vsphere.record.record_values import TrialRecord

from .trial_plan import as_tested, clones_of, is_ready, strays
from .trial_tool import tool_paused_says

_STEPS = ("Clone VMs", "Connect isolated networks", "Execute runbook", "Test running")
_END_STEPS = ("Power off test VMs", "Remove test VMs")
_PAUSE, _RESUME = "Ask the tool to pause", "Have the tool resume"
_REPLICA = "replica:"
_LATE = "its test was over before it was noted; End Test removes it"


def trial_of(s: DomainState, plan: Plan, inventory: Inventory) -> Trial | None:
    """The test that goes on, or that something is left of."""
    t, left = s.record.trial, _left_vms(s)
    if t is None and not left and s.record.trial_tool is None:
        return None
    if t is None:
        at = s.record.tested.at if s.record.tested is not None else s.now
        return Trial(
            operation="", state=TrialState.LEFT_OVER, since=at, vms=left, waits_for=tool_paused_says(s)
        )
    waits = plan.phase.wait if plan.phase is not None and plan.phase.operation == t.id else ""
    written = [
        facts.written
        for ident in s.record.clones
        if s.trials is not None
        and (facts := s.trials.vms.get(ident)) is not None
        and facts.written is not None
    ]
    return Trial(
        operation=t.id or t.of,
        state=_state(s, t),
        since=t.began,
        ends_at=t.ends,
        point=t.to,
        vms=(*_running_vms(s, t), *_vms_of_earlier_tests(s, t), *left),
        networks=_network_names(s, inventory),
        waits_for=waits,
        grown_bytes=sum(written) if written else None,
    )


def _state(s: DomainState, t: TrialRecord) -> TrialState:
    if t.phase in ("off", "parked", "remove"):
        return TrialState.ENDING
    if t.phase == "running":
        return TrialState.OVERDUE if s.now > t.ends else TrialState.RUNNING
    return TrialState.STARTING


def _running_vms(s: DomainState, t: TrialRecord) -> tuple[TrialVm, ...]:
    return tuple(
        TrialVm(id=vm.id, name=vm.plain_name, of=vm.name, power=vm.power, ready=is_ready(s, vm))
        for vm in as_tested(s, t)
        if vm.id not in s.record.left
    )


def _vms_of_earlier_tests(s: DomainState, t: TrialRecord) -> tuple[TrialVm, ...]:
    """Test VMs of tests before this one that are in no list of what is left: their removal is tried again, or
    they were noted late."""
    own = {*clones_of(s, t), *s.record.left}
    trials, sources = s.trials.vms if s.trials is not None else {}, {vm.id: vm.name for vm in s.vms}
    return tuple(
        TrialVm(id=ident, name=facts.vm.name, of=sources.get(clone.of, clone.of), power=facts.vm.power)
        for ident, clone in s.record.clones.items()
        if ident not in own and (facts := trials.get(ident)) is not None
    )


def _left_vms(s: DomainState) -> tuple[TrialVm, ...]:
    """Test VMs that are left over and still there; who removed one by hand is done with it."""
    sources, trials = {vm.id: vm.name for vm in s.vms}, s.trials
    # a clone that was noted after its test was over is in no test's list: it is named all the same
    reasons = dict.fromkeys(s.record.clones, _LATE) if s.record.trial is None else {}
    vms = []
    for ident, why in (reasons | s.record.left).items():
        clone = s.record.clones.get(ident)
        facts = trials.vms.get(ident) if trials is not None else None
        if ident.startswith(_REPLICA) or (trials is not None and facts is None):
            continue
        name, power = (facts.vm.name, facts.vm.power) if facts is not None else (ident, "unknown")
        source = clone.of if clone is not None else facts.of if facts is not None else ""
        of = sources.get(source, source)
        foreign = facts.foreign if facts is not None else ()
        vms.append(TrialVm(id=ident, name=name, of=of, power=power, left=why, foreign=foreign))
    return tuple(sorted(vms, key=lambda vm: vm.name))


def strays_of(s: DomainState) -> tuple[StrayTrialVm, ...]:
    """Test VMs of the domain that no list has; those of the test that goes on are its own affair."""
    sources, own = {vm.id: vm.name for vm in s.vms}, s.record.trial
    mark = own.marker if own is not None and own.key else ""
    return tuple(
        StrayTrialVm(
            id=facts.vm.id,
            name=facts.vm.name,
            of=sources[facts.of],
            power=facts.vm.power,
            operation=brief(clean(facts.marker.partition(":")[0])),
        )
        for facts in strays(s)
        if facts.marker != mark
    )


def _network_names(s: DomainState, inventory: Inventory) -> dict[str, str]:
    """Protected network -> isolated one, by name; by id where one is gone."""
    names_by_id = {network.id: network.name for network in inventory.networks.values()}
    pairs = ((a, b) for a, b in s.record.trial_networks.items() if not a.startswith("vm:"))
    return {names_by_id.get(a, a): names_by_id.get(b, b) for a, b in pairs}


def last_trial(s: DomainState) -> LastTrial | None:
    last = s.record.tested
    if last is None:
        return None
    return LastTrial(at=last.at, result=last.result or NOT_SAID, note=last.note, vms=last.vms, point=last.to)


def offer_of(s: DomainState, inventory: Inventory) -> TrialOffer | None:
    """Prospects of a test of the domain; None where the settings have no test folder."""
    settings, trials = s.trial_settings, s.trials
    if settings is None:
        return None
    ids = {network for vm in s.vms for network in vm.networks}
    protected = inventory.network_names(ids)
    isolated = tuple(sorted(trials.networks)) if trials is not None else ()
    mapping = {name: to for name in protected if (to := _default(settings.networks, name)) is not None}
    connected = (
        [f"{n.name}: {n.connected}" for n in trials.networks.values() if n.connected] if trials else []
    )
    return TrialOffer(
        closed=_closed(s),
        networks=isolated,
        mapping=mapping,
        ends_after_s=float(settings.ends_after),
        connected=some(connected) if settings.allow_connected else "",
    )


def _default(networks: dict[str, str], name: str) -> str | None:
    return networks.get(name, networks.get("*"))


def _closed(s: DomainState) -> str:
    """The reason why there can be no test now; empty: there can."""
    trials = s.trials
    if trials is None:
        return "the test folder was not seen yet"
    if trials.problem:
        way_out = "; isolate it, or name another one in [sites.NAME.test]" if trials.not_isolated else ""
        return f"{trials.problem}{way_out}"
    if not s.vms:
        return f'"{s.name}" has no VM'
    placeholders = [vm for vm in s.vms if vm.placeholder]
    if placeholders:
        return f"{names(placeholders)} have no disks: they are placeholders, and nothing can be cloned"
    bare = [vm for vm in s.vms if not any(usable(x, s.record, s.now) for x in vm.snapshots)]
    if bare:
        return f"no restore point to clone from yet: {names(bare)}"
    lost = [vm for vm in s.vms if vm.connection != "connected"]
    return f"{lost[0].connection}: {names(lost)}" if lost else ""


def trial_steps(s: DomainState, plan: Plan) -> tuple[tuple[str, ...], int, str] | None:
    """Labels, the current one and its detail, of the steps of a test; None where none goes on."""
    t = s.record.trial
    if t is None or s.record.failover is not None:
        return None
    detail = (plan.question.text if plan.question else plan.phase.wait if plan.phase else "") or ""
    asks = s.settings.tool == "manual"
    if t.phase in ("off", "parked", "remove"):
        ends = (*_END_STEPS, _RESUME) if asks else _END_STEPS
        at = 0 if t.phase == "off" else 2 if plan.question is not None else 1
        return ends, at, detail
    at = {"clone": 0, "network": 1, "power": 2, "delay": 2}.get(t.phase, 3)
    begins = (_PAUSE, *_STEPS) if asks else _STEPS
    paused = asks and (t.phase != "clone" or plan.question is None)
    return begins, at + int(paused), detail or ("end it with End Test" if at == 3 else "")


def trial_alarms(s: DomainState, first_seen: FirstSeen) -> list[Alarm]:
    """Alarms of a test: too long, left over, and a replica that changed as it ended."""
    alarms = [
        _alarm(
            first_seen, Severity.WARNING, "test_leftover", vm.of, f"test VM {vm.name} is left over: {vm.left}"
        )
        for vm in _left_vms(s)
    ]
    for stray in strays_of(s):
        alarms.append(_alarm(first_seen, Severity.WARNING, "test_leftover", stray.of, stray_says(stray.name)))
    sources = {vm.id: vm.name for vm in s.vms}
    for key, why in s.record.left.items():
        if key.startswith(_REPLICA):
            vm = sources.get(key.removeprefix(_REPLICA), key.removeprefix(_REPLICA))
            text = f"the replica of {vm} changed while its test ended: {why}; check it before you rely on it"
            alarms.append(_alarm(first_seen, Severity.CRITICAL, "replica_changed", vm, text))
    t, settings = s.record.trial, s.trial_settings
    if s.record.trial_tool is not None:
        severity = (
            Severity.INFO if t is not None and t.phase not in ("parked", "remove") else Severity.WARNING
        )
        alarms.append(_alarm(first_seen, severity, "tool_paused", None, tool_paused_says(s)))
    if t is None or settings is None or t.phase != "running":
        return alarms
    if s.now > t.ends:
        text = f"the test was to end at {show_spaced(t.ends)}; its VMs run and grow: end it"
        alarms.append(_alarm(first_seen, Severity.WARNING, "test_overdue", None, text))
    elif s.now > t.began + timedelta(seconds=float(settings.warn_after)):
        text = f"a test has lasted more than {show_duration(float(settings.warn_after))}"
        alarms.append(_alarm(first_seen, Severity.INFO, "test_long", None, text))
    return alarms


def _alarm(first_seen: FirstSeen, severity: Severity, kind: str, vm: str | None, text: str) -> Alarm:
    return Alarm(time=first_seen(kind, vm), severity=severity, vm=vm, kind=kind, text=text)


def as_steps(labels: tuple[str, ...], at: int, detail: str) -> tuple[Step, ...]:
    """Task steps, the current one with its detail."""
    states = [StepState.DONE if i < at else StepState.CURRENT if i == at else StepState.PENDING
              for i in range(len(labels))]  # fmt: skip
    return tuple(
        Step(number=i + 1, of=len(labels), label=label, state=state, detail=detail if i == at else "")
        for i, (label, state) in enumerate(zip(labels, states, strict=True))
    )
