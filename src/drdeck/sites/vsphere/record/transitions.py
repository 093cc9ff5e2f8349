"""Transitions of a domain's record: for each command and step the attributes to write, in order.

Pure. A change that the record already shows is an empty one, so that a command may be given twice.
The order matters: a crash between two writes must leave a record that the same command completes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from drdeck.model.commands import (
    AbortCompletion,
    BeginCompletion,
    CancelContinuousFailover,
    FinishFailover,
    MapNetworks,
    Resolve,
    Skip,
    StartContinuousFailover,
)
from drdeck.model.domains import FailoverType, SessionState
from drdeck.model.text import brief, clean

from . import phases
from .attribute_changes import Changes, NotNow, askers_with, replaced
from .attribute_names import (
    ABSENT,
    ENTERING,
    FAILOVER,
    LEFT_OUT,
    MODE,
    NETWORKS,
    POWER_OFF,
    REMAP,
    ROLLBACK,
    SESSION,
    SHUTDOWN,
    SKIPPED,
    SYNCED,
    TOOL,
    WITHOUT,
)
from .attributes import write, write_many
from .domain_record import Record
from .record_values import (
    MAX_ASKER,
    FailoverRecord,
    ModeRecord,
    RemapRecord,
    RollbackRecord,
    SessionRecord,
    ShutdownRecord,
    SyncedRecord,
    ToolRecord,
)
from .session_transitions import close_session
from .standing_failover import nothing_begun, nothing_started


def start_cfo(record: Record, c: StartContinuousFailover, networks: dict[str, str], now: datetime) -> Changes:
    if record.mode is not None and record.mode.mode == "cfo":
        if record.mode.by == c.operation:
            return {}
        raise NotNow("continuous failover was started by somebody else meanwhile")
    return {
        **write_many(NETWORKS, networks),
        MODE: write(ModeRecord(mode="cfo", by=c.operation, since=now)),
    }


class LeftOut(NamedTuple):
    """VMs that a failover begins without, ids as in `Record`: see its fields of the same names."""

    left_out: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    absent: Mapping[str, bool] = {}

    def as_attributes(self) -> Changes:
        return {
            **write_many(LEFT_OUT, self.left_out),
            **write_many(WITHOUT, self.without),
            **write_many(ABSENT, dict(self.absent)),
        }


NOBODY = LeftOut()


def begin(
    record: Record,
    c: BeginCompletion,
    networks: dict[str, str],
    now: datetime,
    left_out: LeftOut = NOBODY,
) -> Changes:
    if record.failover is not None:
        if record.failover.id == c.operation:
            return {}
        raise NotNow("its completion was begun by somebody else meanwhile")
    planned = c.type is FailoverType.PLANNED
    failover = FailoverRecord(
        id=c.operation,
        type=c.type,
        pitr=c.run_pitr,
        began=now,
        phase="shutdown" if planned else "take",
        since=now,
    )
    return {
        **write_many(NETWORKS, networks),
        **write_many(SKIPPED, ()),
        **left_out.as_attributes(),
        **write_many(POWER_OFF, ()),
        **askers_with(record, c),
        FAILOVER: write(failover),
    }


def abort(record: Record, c: AbortCompletion) -> Changes:
    f = record.failover
    if f is None:  # perhaps a crash was between the writes
        return nothing_begun()
    if f.id != c.operation or record.owned or record.release is not None:
        raise NotNow("this site has taken the ownership already; the failover can only continue")
    return {FAILOVER: "", **nothing_begun()}


MAX_FORMER = 8
"""Targets of before that are known as such; the others look like protected networks."""


def map_networks(record: Record, c: MapNetworks, networks: Mapping[str, str]) -> Changes:
    """A mapping with some networks, ids, changed. Cards on a network's target of before follow it."""
    remap = record.remap
    if remap is not None and remap.by == c.operation:
        return {}
    was = remap.was if remap is not None else ()
    mapping = remapped(record.networks, networks, was)
    former = [at for at in mapping if at not in record.networks and at not in networks]
    waiting = record.owned and record.failover is not None and record.failover.phase != "network"
    was = tuple(dict.fromkeys([*was, *former]))[-MAX_FORMER:]
    return {
        **write_many(NETWORKS, mapping),
        **askers_with(record, c),
        REMAP: write(RemapRecord(by=c.operation, over=not waiting, was=was)),
    }


def remapped(
    before: Mapping[str, str], networks: Mapping[str, str], was: Collection[str] = ()
) -> dict[str, str]:
    """The mapping `before` with `networks` changed; `was`: targets of before, mapped on. Raises NotNow
    where cards could not be told apart."""
    mapping = dict(before)
    for source, to in networks.items():
        at = before.get(source, source)
        beside = [a for a, b in before.items() if b == at and a not in (source, at, *was)]
        if at != to and any(networks.get(a) != to for a in beside):
            raise NotNow(
                "another network is mapped to the same one, and its cards cannot be told apart; map both"
            )
        mapping |= {source: to, **({at: to} if at not in (source, to) else {})}
        mapping |= {a: to for a, b in mapping.items() if b == at}
    chained = [to for to in networks.values() if mapping.get(to, to) != to]
    if chained:
        raise NotNow("a network is both a target and mapped on to another one")
    return mapping


def cancel(record: Record, c: CancelContinuousFailover, now: datetime) -> Changes:
    """The completion first: a record of one without a continuous failover would make no sense. The mode goes
    last: until then this is repeated after a crash."""
    if record.owned or record.release is not None:
        raise NotNow("this site has taken the ownership already; the failover can only continue")
    if record.mode is None or record.mode.mode == "imported":
        return {}
    return {
        FAILOVER: "",
        **nothing_started(),
        MODE: write(ModeRecord(mode="imported", by=c.operation, since=now)),
    }


def finish(record: Record, c: FinishFailover) -> Changes:
    f = record.failover
    if f is None or f.id != c.operation:
        raise NotNow("its failover was begun by somebody else")
    return {} if f.phase == "finished" else {FAILOVER: replaced(f, phase="finished")}


def skip(record: Record, c: Skip) -> Changes:
    skipped = tuple(dict.fromkeys([*record.skipped, *(c.vms or [c.vm])]))
    return write_many(SKIPPED, skipped) if len(skipped) > len(record.skipped) else {}


def joined(record: Record, vm: str, absent: str = "") -> Changes:
    """A VM, by id, that was left out is one of the failover's again; `absent`: its name while it had no
    replica."""
    changes: Changes = {}
    if vm in record.left_out:
        changes |= write_many(LEFT_OUT, tuple(other for other in record.left_out if other != vm))
    if absent in record.absent:
        rest = {name: joins for name, joins in record.absent.items() if name != absent}
        changes |= write_many(ABSENT, rest)
    return changes


def vanished(record: Record, operation: str, vms: Collection[str]) -> Changes:
    """VMs, by their protected names, that have gone from the folder of a failover in progress: they join it
    when they are there again."""
    if record.failover is None or record.failover.id != operation or record.absent.keys() >= set(vms):
        return {}
    return write_many(ABSENT, {**record.absent, **dict.fromkeys(vms, True)})


def resolve(record: Record, c: Resolve, unready: tuple[str, ...], now: datetime) -> Changes:
    """An answer to one of the plan's questions; one whose occasion has passed changes nothing."""
    kind, _, rest = c.question.partition(":")
    tried = rest.rsplit(":", 1)[-1]
    r: FailoverRecord | RollbackRecord | None = record.failover
    name = FAILOVER
    if rest.startswith("rollback:"):
        r, name = record.rollback, ROLLBACK
    if r is None or str(r.n) != tried:
        return {}
    if kind == "tool" and isinstance(r, FailoverRecord):
        word = ToolRecord(by=r.id, stopped_by=brief(clean(c.asked_by), MAX_ASKER), at=now)
        return {TOOL: write(word)} if r.phase == "take" and c.choice == "confirm" else {}
    if kind == "point" and isinstance(r, FailoverRecord):
        return {} if r.phase != "point" else {name: replaced(r, phase="take", since=now)}
    if kind == "again" and isinstance(r, FailoverRecord):
        waits = r.phase in ("point", "take")
        return {name: replaced(r, phase="shutdown", g=0, n=r.n + 1, since=now)} if waits else {}
    if kind == "ready" and c.choice == "skip":
        # those that the operator saw, and no other that has failed meanwhile: for that one it is asked anew
        skipped = [vm for vm in unready if not c.vms or vm in c.vms]
        changes = write_many(SKIPPED, tuple(dict.fromkeys([*record.skipped, *skipped])))
        if len(skipped) < len(unready):
            changes[name] = replaced(r, n=r.n + 1, since=now)
        return changes
    if kind == "shutdown" and c.choice == "power-off":
        # first: whoever goes on after a crash between the two asks once more
        vms = tuple(dict.fromkeys([*record.power_off, *c.vms]))
        return {**write_many(POWER_OFF, vms), name: replaced(r, n=r.n + 1, since=now)}
    return {name: replaced(r, n=r.n + 1, since=now)}


def synchronised(record: Record, now: datetime) -> Changes:
    """Not undone by anything but the next continuous failover, which is another operation's."""
    if record.mode is None or record.was_synchronised:
        return {}
    return {SYNCED: write(SyncedRecord(by=record.mode.by, since=now))}


def step(
    record: Record, operation: str, to: str, g: int, now: datetime, newest: int | None = None
) -> Changes:
    """A step of the plan; one that was taken already is an empty change. `newest`: see ShutdownRecord."""
    session = record.session
    if to == "closed":
        return close_session(record, operation, now)
    if to == "remapped":
        mine = record.remap is not None and record.remap.by == operation
        return {REMAP: write(RemapRecord(by=operation, over=True))} if mine else {}
    if to == "entered":
        mine = record.entering is not None and record.entering.by == operation
        return {ENTERING: ""} if mine else {}
    if to in ("entry", "active"):
        if session is None or session.id != operation or session.state is not SessionState.WAITING:
            return {}
        if to == "entry":
            return {} if session.entry is not None else {SESSION: replaced(session, entry=now)}
        return {SESSION: replaced(session, state=SessionState.ACTIVE, started=now)}
    if session is not None and session.state is SessionState.ROLLING_BACK:
        if record.rollback is None or record.rollback.id != operation:
            return {}
        return _rollback_step(session, record.rollback, to, g, now)
    f = record.failover
    if f is None or f.id != operation:
        return {}
    changes = _failover_step(f, to, g, now)
    if to == "point" and changes and newest is not None:
        # before the phase: whoever goes on after a crash between the two notes it once more
        return {SHUTDOWN: write(ShutdownRecord(by=f.id, newest=newest)), **changes}
    return changes


def _failover_step(f: FailoverRecord, to: str, g: int, now: datetime) -> Changes:
    fields = phases.failover_step(f, to, g)
    if to == "recovered" and fields:
        fields["recovered"] = now
    return {FAILOVER: replaced(f, since=now, **fields)} if fields else {}


def _rollback_step(session: SessionRecord, r: RollbackRecord, to: str, g: int, now: datetime) -> Changes:
    fields = phases.rollback_step(r, to, g)
    changes = {ROLLBACK: replaced(r, since=now, **fields)} if fields else {}
    if to == "over":
        changes[SESSION] = replaced(session, state=SessionState.ACTIVE, back=r.to, n=session.n + 1)
    return changes
