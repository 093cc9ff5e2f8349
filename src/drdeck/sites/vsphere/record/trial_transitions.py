"""Transitions of a domain's record in a Test Failover. Pure and ordered, as in `transitions`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from drdeck.model.commands import EndTrial, Resolve, StartTrial
from drdeck.model.facts.trial_facts import NOT_SAID
from drdeck.model.life.trial_rules import MAX_NOTE
from drdeck.model.life.trial_words import ADOPTED
from drdeck.model.text import brief, clean

from .attribute_changes import Changes, NotNow
from .attribute_names import (
    SKIPPED,
    TESTED,
    TRIAL,
    TRIAL_DETACH,
    TRIAL_LEFT,
    TRIAL_NETWORKS,
    TRIAL_TOOL,
    TRIAL_VMS,
)
from .attributes import write, write_many
from .domain_record import Record
from .record_values import MAX_ASKER, CloneRecord, TestedRecord, ToolRecord, TrialRecord

STEPS = (
    "trial_network", "trial_power", "trial_delay", "trial_next", "trial_runs", "trial_remove", "trial_parked",
    "trial_overdue", "trial_self", "trial_over", "trial_adopt",
)  # fmt: skip
"""Steps that `step` takes."""
UNDER_WAY = ("clone", "network", "power", "delay", "running")
MAX_REASON = 200


class Beginning(NamedTuple):
    """A test's beginning: the secret that marks its VMs, the VMs it is of (ids; empty: all), and the isolated
    network of each protected one, by id."""

    key: str
    vms: tuple[str, ...]
    networks: Mapping[str, str]


def start(record: Record, c: StartTrial, b: Beginning, lasts_s: float, now: datetime) -> Changes:
    """Begin a test. What it is to be made of is written before the test itself."""
    trial = record.trial
    if trial is not None:
        if trial.of == c.operation:
            return {}
        raise NotNow("it is being tested already")
    if record.tested is not None and record.tested.of == c.operation:
        return {}  # it was, and is over
    if record.owned or record.completing or record.session is not None:
        raise NotNow("its failover has begun")
    begun = TrialRecord(
        id=c.operation,
        of=c.operation,
        key=b.key,
        phase="clone",
        since=now,
        began=now,
        ends=now + timedelta(seconds=lasts_s),
        to=c.to,
        bubble=c.bubble[:80],
    )
    replicas = {key for key in record.left if key.startswith("replica:")}
    left = {key: why for key, why in record.left.items() if key not in replicas}
    return {
        **write_many(SKIPPED, ()),
        **write_many(TRIAL_LEFT, left),
        **write_many(TRIAL_NETWORKS, {**dict(b.networks), **{f"vm:{vm}": "" for vm in b.vms}}),
        TRIAL: write(begun),
    }


def end(record: Record, c: EndTrial, now: datetime) -> Changes:
    """End a test; without one, try again to remove what is left of earlier ones. Of `c.detach` the digests
    are expected here: paths may be too long to keep."""
    trial = record.trial
    if trial is not None and trial.id == c.operation and trial.phase in ("off", "remove"):
        return {} if trial.key else _tried_again(record, c, now)
    if trial is None and record.tested is not None and record.tested.by == c.operation:
        return {}
    if trial is None and not record.clones and record.trial_tool is None:
        if not record.left:
            raise NotNow("it is not being tested")
        return write_many(TRIAL_LEFT, {})
    changes = {**write_many(SKIPPED, ()), **write_many(TRIAL_LEFT, {})}
    if c.detach or record.detach:
        changes |= write_many(TRIAL_DETACH, c.detach)
    if trial is None:
        trial = TrialRecord(
            id=c.operation, of=c.operation, key="", phase="off", since=now, began=now, ends=now
        )
        # who it is by goes last: it alone tells, after the end, that this was done
        return {**changes, TRIAL: write(trial), **_tried_again(record, c, now)}
    changes[TESTED] = write(_tested(record, trial, c, now))
    return {**changes, TRIAL: _replace(trial, id=c.operation, phase="off", since=now, g=0, n=1)}


def _tried_again(record: Record, c: EndTrial, now: datetime) -> Changes:
    """The word of the last test as it was, with the operation that tries again to remove what it left."""
    tested = record.tested or TestedRecord(at=now)
    return (
        {TESTED: write(msgspec.structs.replace(tested, by=c.operation))} if tested.by != c.operation else {}
    )


def _tested(record: Record, trial: TrialRecord, c: EndTrial, now: datetime) -> TestedRecord:
    return TestedRecord(
        by=c.operation,
        of=trial.of,
        at=now,
        result=c.result or NOT_SAID,
        note=brief(clean(c.note), MAX_NOTE) if c.note else "",
        vms=sum(clone.marker == trial.marker for clone in record.clones.values()),
        to=trial.to,
    )


def ended_for(record: Record, failover: str, now: datetime) -> Changes:
    """A real failover begins: the test ends, its VMs are powered off before anything else."""
    trial = record.trial
    if trial is None or trial.phase in ("off", "parked", "remove"):
        return (
            {}
            if trial is None or trial.id == failover
            else {TRIAL: _replace(trial, id=failover, phase="off")}
        )
    ended = EndTrial(operation=failover, domain="", note="ended by a failover")
    return {
        TESTED: write(_tested(record, trial, ended, now)),
        TRIAL: _replace(trial, id=failover, phase="off", since=now, g=0, n=1),
    }


def cloned(record: Record, vm: str, clone: CloneRecord) -> Changes:
    """A test VM was made, and is drdeck's."""
    if record.clones.get(vm) == clone:
        return {}
    return write_many(TRIAL_VMS, {**record.clones, vm: clone})


def adopt(record: Record, vms: Mapping[str, CloneRecord | str], listed: bool) -> Changes:
    """Test VMs by id that were in no list: as they are to be kept, or the reason why they stay. `listed`:
    they are named as left over, so that the next End Test removes them; a test that ends does so itself."""
    clones = {vm: clone for vm, clone in vms.items() if isinstance(clone, CloneRecord)}
    left = {vm: why for vm, why in vms.items() if isinstance(why, str)} | (
        dict.fromkeys(clones, ADOPTED) if listed else {}
    )
    changes = write_many(TRIAL_VMS, {**record.clones, **clones}) if clones else {}
    if left:
        shortened = {vm: brief(clean(why), MAX_REASON) for vm, why in left.items()}
        changes |= write_many(TRIAL_LEFT, {**record.left, **shortened})
    return changes


def removed(record: Record, vm: str, why: str = "", replica: str = "") -> Changes:
    """A test VM is no more; or, with `why`, it stays and is named as left over. `replica`: what came of its
    end at the VM that it was a clone of."""
    clone = record.clones.get(vm)
    left = dict(record.left)
    if why:
        left[vm] = brief(clean(why), MAX_REASON)
    else:
        left.pop(vm, None)
    if replica and clone is not None:
        left[f"replica:{clone.of}"] = brief(clean(replica), MAX_REASON)
    changes = write_many(TRIAL_LEFT, left) if left != record.left else {}
    if not why and clone is not None:
        changes |= write_many(TRIAL_VMS, {k: v for k, v in record.clones.items() if k != vm})
    return changes


def step(
    record: Record, operation: str, to: str, g: int, now: datetime, lost: Collection[str] = ()
) -> Changes:
    """A step of the plan; one that was taken already is an empty change. `lost`: test VMs that are not there
    any more."""
    t = record.trial
    if t is None or t.id != operation:
        return {}
    match to:
        case "trial_network" if t.phase == "clone":
            return _phase(t, "network", now)
        case "trial_power" if t.phase == "network":
            return _phase(t, "power", now)
        case "trial_delay" if t.phase == "power" and t.g == g:
            return {TRIAL: _replace(t, phase="delay", since=now)}
        case "trial_next" if t.phase in ("power", "delay") and t.g == g:
            return {TRIAL: _replace(t, phase="power", g=g + 1, n=1, since=now)}
        case "trial_runs" if t.phase in ("power", "delay") and t.g == g:
            return {TRIAL: _replace(t, phase="running", since=now)}
        case "trial_parked" if t.phase == "off":
            return _phase(t, "parked", now)
        case "trial_self" if t.phase == "parked":
            return {TRIAL: _replace(t, id="", phase="remove", since=now)}
        case "trial_remove" if t.phase == "off":
            return _phase(t, "remove", now)
        case "trial_overdue" if t.phase in UNDER_WAY:
            ended = EndTrial(operation=t.id, domain="", note="ended by drdeck: it was overdue")
            return {TESTED: write(_tested(record, t, ended, now)), **_phase(t, "parked", now)}
        case "trial_over" if t.phase == "remove":
            return _over(record, lost)
    return {}


def _over(record: Record, lost: Collection[str]) -> Changes:
    """Nothing is left to try. The test goes last: until then this is repeated after a crash."""
    left = {
        **{vm: "given up on the operator's word" for vm in record.clones if vm not in lost},
        **{key: why for key, why in record.left.items() if key not in lost},
    }
    kept = {vm: clone for vm, clone in record.clones.items() if vm not in lost}
    return {
        **write_many(TRIAL_LEFT, left),
        **write_many(TRIAL_VMS, kept),
        **write_many(TRIAL_NETWORKS, {}),
        **write_many(SKIPPED, ()),
        **(write_many(TRIAL_DETACH, ()) if record.detach else {}),
        # of a domain that is owned here the failover has its own word
        **({TRIAL_TOOL: ""} if record.owned and record.trial_tool is not None else {}),
        TRIAL: "",
    }


def resolve(record: Record, c: Resolve, unready: tuple[str, ...], now: datetime) -> Changes:
    """An answer to a question about test VMs that are not ready, "ready:test:ID:g:n", or about the tool that
    replicates: "tool:test:ID:n", "tool_on:test:ID:n"."""
    t = record.trial
    kind = c.question.partition(":")[0]
    if t is not None and kind == "tool":
        word = ToolRecord(by=t.of, stopped_by=brief(clean(c.asked_by), MAX_ASKER), at=now)
        return {TRIAL_TOOL: write(word)} if t.phase == "clone" and record.trial_tool is None else {}
    if t is not None and kind == "tool_on":
        return {TRIAL_TOOL: ""} if t.phase == "remove" else {}
    if t is None or c.question.rsplit(":", 1)[-1] != str(t.n) or t.phase != "power":
        return {}
    again = {TRIAL: _replace(t, n=t.n + 1, since=now)}
    if c.choice != "skip":
        return again
    skipped = [vm for vm in unready if not c.vms or vm in c.vms]
    changes = write_many(SKIPPED, tuple(dict.fromkeys([*record.skipped, *skipped])))
    return changes if len(skipped) == len(unready) else {**changes, **again}


def _phase(t: TrialRecord, to: str, now: datetime) -> Changes:
    return {TRIAL: _replace(t, phase=to, since=now, g=0, n=1)}


def _replace(t: TrialRecord, **changes: Any) -> str:
    return write(msgspec.structs.replace(t, **changes))
