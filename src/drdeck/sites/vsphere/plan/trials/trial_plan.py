"""The plan of a Test Failover: clones, isolated networks, runbook; and its end.

The phases are those of `record/phases.py`. The replicas are only cloned from; all else is done to test VMs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from drdeck.model.planned import Phase, PlannedCall
from drdeck.model.text import names
from drdeck.model.times import show
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts, encode_name
from drdeck.sites.vsphere.inventory.trial_inventory import TrialInventory, TrialVmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan, on_vm, step, wait_for_others
from drdeck.sites.vsphere.plan.parts.runbook_groups import groups, readiness_of
from drdeck.sites.vsphere.plan.parts.runbook_start import RunbookStart, starting_group
from drdeck.sites.vsphere.plan.restore_points import target
from drdeck.sites.vsphere.record.record_values import CloneRecord, TrialRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import CloneArguments, TrialVmArguments, moving

from .trial_tool import tool_asked, tool_owed

_RETRY_OR_GIVE_UP = ("retry", "skip", "abort")
_WHOLE = TrialInventory()
MAX_NAME = 80
"""Characters of a name in vCenter's inventory."""


def trial_plan(s: DomainState, t: TrialRecord) -> Plan:
    """The work that a test needs now."""
    match t.phase:
        case "clone":
            paused = tool_asked(s, t)
            return Plan(_cloning(s, t)) if paused is None else Plan(None, paused)
        case "network":
            return Plan(_reading_back(s, t))
        case "power" | "delay":
            return _starting(s, t)
        case "off":
            return Plan(powering_off(s, t, "trial_remove"))
        case "remove":
            phase = _removing(s, t)
            goes_on = tool_owed(s, t) if _is_last(phase) and not strays(s) else None
            return Plan(phase) if goes_on is None else Plan(None, goes_on)
        case _:
            return Plan()


def members(s: DomainState) -> tuple[VmFacts, ...]:
    """The VMs that the test is of."""
    chosen_ids = {key.removeprefix("vm:") for key in s.record.trial_networks if key.startswith("vm:")}
    vms = [vm for vm in s.vms if not chosen_ids or vm.id in chosen_ids]
    return tuple(vm for vm in vms if not s.is_skipped(vm))


def clones_of(s: DomainState, t: TrialRecord) -> dict[str, CloneRecord]:
    """The clones of this test by id, but for those that were given up."""
    return {
        ident: clone
        for ident, clone in s.record.clones.items()
        if clone.marker == t.marker and ident not in s.record.skipped
    }


def strays(s: DomainState) -> tuple[TrialVmFacts, ...]:
    """VMs with the mark of a test of one of the domain's VMs which the record does not have: a clone whose
    answer was lost, or whose record was."""
    ids = {vm.id for vm in s.vms}
    listed = {*s.record.clones, *s.record.left}
    trials = (s.trials or _WHOLE).vms.items()
    return tuple(facts for ident, facts in trials if facts.marker and facts.of in ids and ident not in listed)


def as_tested(s: DomainState, t: TrialRecord) -> tuple[VmFacts, ...]:
    """Test VMs as the runbook knows them: each by the name of the VM that it is the clone of."""
    trials, sources = s.trials or _WHOLE, {vm.id: vm for vm in s.vms}
    vms = []
    for ident, clone in clones_of(s, t).items():
        facts, source = trials.vms.get(ident), sources.get(clone.of)
        if facts is not None:
            name = source.name if source is not None else facts.vm.name
            vms.append(msgspec.structs.replace(facts.vm, name=name, own_name=facts.vm.name))
    return tuple(sorted(vms, key=lambda vm: (vm.name, vm.id)))


def is_ready(s: DomainState, vm: VmFacts) -> bool:
    """Tell whether a test VM serves, as far as can be told: nobody reaches it from here, so that where the
    settings want an answer of its address VMware Tools count."""
    if vm.power != "on" or vm.connection != "connected":
        return False
    readiness, _ = readiness_of(vm, s.settings)
    return readiness.kind == "power" or vm.tools_running


def _moves(s: DomainState) -> dict[str, str]:
    return moving({a: b for a, b in s.record.trial_networks.items() if not a.startswith("vm:")})


def _cloning(s: DomainState, t: TrialRecord) -> Phase:
    trials, limit_s = s.trials or _WHOLE, float(s.settings.task_timeout)
    done = {clone.of for clone in s.record.clones.values() if clone.marker == t.marker}
    left = [vm for vm in members(s) if vm.id not in done]
    taken = {facts.vm.name for facts in trials.vms.values() if facts.marker != t.marker}
    calls = []
    for vm in left:
        if vm.running_tasks:  # a snapshot that is younger than a running task is not whole
            calls.append(wait_for_others(vm, limit_s))
            continue
        point = target(vm, t.to or s.now, s.record)
        name = clone_name(s.trial_prefix, s.name, vm.plain_name, taken)
        taken.add(name)
        args = CloneArguments(
            name=name,
            folder=trials.folder,
            pool=trials.pool,
            marker=t.marker,
            snapshot=point.id if point is not None else "",
            annotation=(
                f"drdeck: test of {vm.plain_name} in {s.name}, begun {show(t.began)}, to end {show(t.ends)};"
                " ended safely by drdeck only"
            ),
            moves=_moves(s),
        ).as_text()
        says = f"clone {vm.name} as {name}" + (f' from "{point.name}"' if point is not None else "")
        call = on_vm(
            vm, "clone", f"clone:{t.of}", says, args, _RETRY_OR_GIVE_UP, after_loss="repeat", limit_s=limit_s
        )
        calls.append(msgspec.structs.replace(call, places={"clone": s.trials_at_once}))
    wait = f"cloning {names(left)}" if left else ""
    return Phase(
        operation=t.id, name="Clone VMs", calls=tuple(calls), wait=wait, then=step("trial_network", t.id)
    )


def _ours(t: TrialRecord, s: DomainState, ident: str, **more: Any) -> dict[str, str]:
    """Arguments by which a call makes sure that a VM is a test VM."""
    clone, trials = s.record.clones[ident], s.trials or _WHOLE
    return TrialVmArguments(
        uuid=clone.uuid,
        marker=clone.marker,
        of_vm=clone.of,
        bases=" ".join(clone.bases),
        folder=trials.folder,
        root=s.root,
        prefix=s.trial_prefix,
        detach=" ".join(s.record.detach),
        **more,
    ).as_text()


def _reading_back(s: DomainState, t: TrialRecord) -> Phase:
    """No test VM is started before its cards were read back as isolated."""
    trials, limit_s = s.trials or _WHOLE, float(s.settings.task_timeout)
    isolated = [trials.network(to) for to in _moves(s).values()]
    keys = {network.key for network in isolated if network is not None}
    unseen, wrong = list[str](), list[TrialVmFacts]()
    for ident in clones_of(s, t):
        facts = trials.vms.get(ident)
        if facts is None:
            unseen.append(ident)
        elif not keys.issuperset(facts.cards):
            wrong.append(facts)
    calls = tuple(
        on_vm(
            facts.vm,
            "trial_connect",
            f"isolate:{t.of}",
            f"put {facts.vm.name} on its isolated network",
            _ours(t, s, facts.vm.id, moves=_moves(s)),
            _RETRY_OR_GIVE_UP,
            limit_s=limit_s,
        )
        for facts in wrong
    )
    lacking = [*unseen, *(facts.vm.name for facts in wrong)]
    wait = f"not yet seen on isolated networks: {', '.join(lacking[:3])}" if lacking else ""
    then = step("trial_power", t.id)
    return Phase(operation=t.id, name="Connect isolated networks", calls=calls, wait=wait, then=then)


def _starting(s: DomainState, t: TrialRecord) -> Plan:
    run = RunbookStart(
        groups(as_tested(s, t), s.settings),
        lambda vm: is_ready(s, vm),
        s.in_words,
        lambda vms: _power_on(s, t, vms),
        float(s.settings.ready_timeout),
        over="trial_runs",
        steps="trial_",
        question=f"ready:test:{t.of}",
        not_ready="Test VMs not ready (VMware Tools)",
        waits="not ready yet",
        choices=_RETRY_OR_GIVE_UP,
    )
    return starting_group(s.now, t, run)


def unready_clones(s: DomainState) -> tuple[str, ...]:
    """Ids of the test VMs of the group that is being started which do not serve yet."""
    t = s.record.trial
    if t is None or t.phase != "power":
        return ()
    order = groups(as_tested(s, t), s.settings)
    return tuple(vm.id for vm in order[t.g].vms if not is_ready(s, vm)) if t.g < len(order) else ()


def _power_on(s: DomainState, t: TrialRecord, vms: Sequence[VmFacts]) -> tuple[PlannedCall, ...]:
    connected = "yes" if s.trials_connected else ""
    return tuple(
        on_vm(
            vm,
            "trial_on",
            f"trial-power:{t.g}:{t.n}",
            f"power on {vm.plain_name}",
            _ours(t, s, vm.id, moves=_moves(s), connected=connected),
            _RETRY_OR_GIVE_UP,
            limit_s=float(s.settings.task_timeout),
        )
        for vm in vms
        if vm.power != "on"
    )


def powering_off(s: DomainState, t: TrialRecord, then: str) -> Phase:
    """Power off what runs of a test, hard: a test needs no graceful end."""
    trials, limit_s = s.trials or _WHOLE, float(s.settings.task_timeout)
    going = {i: c for i, c in s.record.clones.items() if i not in s.record.left and i not in s.record.skipped}
    up = [facts for ident in going if (facts := trials.vms.get(ident)) and facts.vm.power != "off"]
    calls = tuple(
        on_vm(
            facts.vm,
            "trial_off",
            f"trial-off:{t.id}",
            f"power off {facts.vm.name}",
            _ours(t, s, facts.vm.id),
            after_loss="repeat",
            limit_s=limit_s,
        )
        for facts in up
    )
    wait = f"powering off: {names([facts.vm for facts in up])}" if up else ""
    return Phase(operation=t.id, name="Power off test VMs", calls=calls, wait=wait, then=step(then, t.id))


def _removing(s: DomainState, t: TrialRecord) -> Phase:
    trials, limit_s = s.trials or _WHOLE, float(s.settings.task_timeout)
    lost = [facts for facts in strays(s) if t.key and facts.marker == t.marker]
    if lost:
        then = step("trial_adopt", t.id, len(s.record.clones) + len(s.record.left))
        return Phase(operation=t.id, name="Remove test VMs", then=then)
    going = [i for i in s.record.clones if i not in s.record.left and i not in s.record.skipped]
    calls = []
    for ident in going:
        facts = trials.vms.get(ident)
        vm = facts.vm if facts is not None else VmFacts(id=ident, name=ident, parent=None)
        args, says = _ours(t, s, ident), f"remove the test VM {vm.name}"
        calls.append(
            on_vm(vm, "destroy", f"destroy:{t.id}", says, args, after_loss="repeat", limit_s=limit_s)
        )
    wait = f"removing {len(going)} test VMs" if going else ""
    then = step("trial_over", t.id)
    return Phase(operation=t.id, name="Remove test VMs", calls=tuple(calls), wait=wait, then=then)


def _is_last(phase: Phase) -> bool:
    """Tell whether nothing is left to remove."""
    return phase.then is not None and not phase.calls and phase.then.args.get("to") == "trial_over"


def self_driven(s: DomainState) -> list[PlannedCall]:
    """Calls due at a test that no operation ends: it was parked by a failover, or is overdue and ends itself.

    Nothing while a failover, a session or an undo goes on: what a test left can wait."""
    t, f, record = s.record.trial, s.record.failover, s.record
    if t is None or record.session is not None or record.undo is not None:
        return []
    if f is not None and f.phase != "finished":
        return []
    if t.phase == "running" and s.trials_end_themselves and s.now > t.ends:
        return [step("trial_overdue", t.id)]
    if t.phase == "parked":
        return [step("trial_self", t.id)]
    if t.phase != "remove" or t.id:
        return []
    phase = _removing(s, t)
    if _is_last(phase) and not strays(s) and tool_owed(s, t) is not None:
        return []  # End Test asks
    return list(phase.calls) or ([phase.then] if phase.then is not None else [])


def clone_name(prefix: str, domain: str, vm: str, taken: Collection[str]) -> str:
    """The name of a VM's clone: cut with a digest where it is too long, numbered where it is taken."""
    whole = encode_name(f"{prefix}{domain}-{vm}".replace("/", "-"))
    name, number = _cut(whole, ""), 2
    while name in taken:
        name, number = _cut(whole, f"-{number}"), number + 1
    return name


def _cut(whole: str, ending: str) -> str:
    if len(whole) + len(ending) <= MAX_NAME:
        return whole + ending
    digest = "-" + hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole[: MAX_NAME - len(digest) - len(ending)] + digest + ending
