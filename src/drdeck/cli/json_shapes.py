"""The JSON objects of the interface, and the words of the plain output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from drdeck.controller.ipc.protocol import Detail, Listing
from drdeck.controller.journal.operations import OperationView
from drdeck.model.alarms import Alarm
from drdeck.model.domains import Domain, Period, Session, Step, Vm
from drdeck.model.facts.life_facts import Estimate
from drdeck.model.life import life_rules
from drdeck.model.pitr import Points
from drdeck.model.times import show

Json = dict[str, Any]


def time(instant: datetime | None) -> str | None:
    return None if instant is None else show(instant)


def seconds(value: float | None) -> float | int | None:
    """Whole seconds as whole numbers, others to the millisecond."""
    if value is None:
        return None
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def site_now(listing: Listing) -> datetime:
    """The site's clock now; ours before the site was seen."""
    real = datetime.now(UTC)
    return listing.clock.at(real) if listing.clock else real


def open_operation(domain: str, operations: Iterable[OperationView]) -> OperationView | None:
    """The innermost open operation of a domain: a rollback before the failover that it belongs to."""
    still = [op for op in operations if op.domain == domain and op.ended_at is None]
    return max(still, key=lambda op: op.asked_at, default=None)


def step(s: Step | None) -> Json | None:
    if s is None:
        return None
    return {"number": s.number, "of": s.of, "label": s.label, "progress": s.progress}


def estimate(e: Estimate | None) -> Json | None:
    """The time at which what goes on will be over, and from what it was reckoned."""
    return None if e is None else {"ends_at": time(e.ends_at), "from": e.source}


def session(s: Session | None, unprotected: float | None) -> Json | None:
    if s is None:
        return None
    return {
        "id": s.id,
        "state": str(s.state),
        "started_at": time(s.started_at),
        "unprotected_s": seconds(unprotected),
        "rolled_back_to": time(s.rolled_back_to),
    }


def alarm(a: Alarm) -> Json:
    return {
        "time": time(a.time),
        "severity": str(a.severity),
        "vm": a.vm,
        "kind": a.kind,
        "text": a.text,
        "user": a.user,
        "address": a.address or None,
        "choices": list(a.choices),
    }


def period(p: Period) -> Json:
    return {"from": time(p.start), "to": time(p.end)}


def domain(d: Domain, now: datetime, operations: Iterable[OperationView]) -> Json:
    """A domain as in `domains --json`."""
    operation = open_operation(d.name, operations)
    return {
        "name": d.name,
        "mode": str(d.mode),
        "owner": str(d.owner),
        "vms_total": d.vms_total,
        "vms_recoverable": d.vms_recoverable,
        "vms_recovered": d.vms_recovered,
        "pitr": {
            "enabled": d.pitr.enabled,
            "window_s": seconds(d.pitr.window_s),
            "interval_s": seconds(d.pitr.interval_s),
        },
        "rpo_s": seconds(d.rpo_s(now)),
        "remaining_bytes": d.remaining_bytes,
        "processed_bytes": d.processed_bytes,
        "step": step(d.step),
        "estimate": estimate(d.estimate),
        "session": session(d.session, d.unprotected_s(now)),
        "health": {"ok": d.checked.ok, "failed": d.checked.failed, "unknown": d.checked.unknown},
        "abnormal_since": time(d.abnormal_since),
        "last_good": time(d.last_good),
        "alarms": [alarm(a) for a in d.alarms],
        "operation": operation.id if operation else None,
    }


def domains(listing: Listing) -> Json:
    now = site_now(listing)
    return {
        "site": listing.site,
        "kind": listing.kind,
        "seen_at": time(listing.seen_at),
        "stale_s": seconds(listing.stale_s) or 0,
        "domains": [domain(d, now, listing.operations) for d in listing.domains],
    }


def vm(v: Vm) -> Json:
    return {
        "name": v.name,
        "status": v.status,
        "power": v.power,
        "ready": v.ready,
        "health": str(v.health),
        "restore_points": v.restore_points,
        "rolled_back_to": time(v.rolled_back_to),
        "error": v.error,
        "not_covered": list(v.not_covered),
    }


def show_domain(detail: Detail, listing: Listing) -> Json:
    """A domain as in `show --json`."""
    d = detail.domain
    assert d is not None
    shaped = domain(d, site_now(listing), listing.operations)
    return {
        **shaped,
        "site": listing.site,
        "seen_at": time(listing.seen_at),
        "stale_s": seconds(listing.stale_s) or 0,
        "driver": d.holder,
        "left_by": d.left_by,
        "observed_only": d.observed_only or None,
        "site_facts": [{"label": fact.label, "text": fact.text} for fact in d.site_facts],
        "failover": None
        if d.failover is None
        else {"id": d.failover.id, "type": str(d.failover.type), "run_pitr": d.failover.run_pitr},
        "vms": [vm(v) for v in d.vms],
        "left_out": list(d.left_out),
        "steps": [
            {
                **(step(s) or {}),
                "state": str(s.state),
                "detail": s.detail,
                "began_at": time(s.began_at),
                "ended_at": time(s.ended_at),
            }
            for s in d.steps
        ],
        "excluded": [period(p) for p in d.excluded],
        "networks": {
            "protected": list(d.networks.protected),
            "recovery": list(d.networks.recovery),
            "mapping": d.networks.mapping,
        },
        "committed_at": time(d.committed_at),
        "tested": tested(d),
        "test": trial(d),
        "undo": undo(d, site_now(listing)),
        "way_back": way_back(d),
        "question": question(open_operation(d.name, listing.operations)),
    }


def tested(d: Domain) -> Json | None:
    """The test that was ended last."""
    last = d.tested
    if last is None:
        return None
    return {
        "at": time(last.at),
        "result": last.result,
        "note": last.note or None,
        "vms": last.vms,
        "to": time(last.point),
    }


def trial(d: Domain) -> Json | None:
    """The test that goes on, or that something is left of."""
    t = d.trial
    if t is None:
        return None
    return {
        "state": str(t.state),
        "since": time(t.since),
        "ends_at": time(t.ends_at),
        "to": time(t.point),
        "networks": dict(t.networks),
        "written_bytes": t.grown_bytes,
        "vms": [
            {
                "name": vm.name,
                "of": vm.of,
                "id": vm.id,
                "power": vm.power,
                "ready": vm.ready,
                "left_over": vm.left or None,
            }
            for vm in t.vms
        ],
    }


def tests_of(d: Domain) -> Json:
    """A domain as in `test show --json`."""
    return {"domain": d.name, "test": trial(d), "tested": tested(d)}


def undo(d: Domain, now: datetime) -> Json:
    reason = life_rules.undo_closed(d)
    loses_s = None if d.undo is None or reason else seconds(d.undo.loses_s(now))
    return {"possible": reason is None, "reason": reason, "loses_s": loses_s}


def way_back(d: Domain) -> Json:
    back = d.way_back
    return {
        "owned_there": back.owned_there,
        "restored_at": time(back.restored_at),
        "replicates_to": back.replicates_to or None,
        "missing": [{"vm": vm, "missing": text} for vm, text in back.missing.items()],
        "resumable": back.resumable,
    }


def question(op: OperationView | None) -> Json | None:
    if op is None or op.question is None:
        return None
    return {
        "operation": op.id,
        "asked_at": time(op.question_at),
        "text": op.question.text,
        "choices": list(op.question.choices),
        "vms": sorted(op.question.vms.values()),
    }


def points(p: Points) -> Json:
    """With `disturbed` only where others disturbed the session."""
    disturbed = [{"time": time(x.time), "vm": x.vm, "text": x.text} for x in p.disturbed]
    return {
        "points": [
            {
                "time": time(x.time),
                "kind": x.kind,
                "vms": x.vms,
                "skew_s": seconds(x.skew_s),
                "written_bytes": x.written_bytes,
                "hint": x.remarks or None,
                "abnormal_since": time(x.abnormal_since),
                "missing": list(x.missing),
            }
            for x in p.points
        ],
        "excluded": [period(x) for x in p.excluded],
        **({"disturbed": disturbed} if disturbed else {}),
    }


def operation(op: OperationView, steps: list[Json]) -> Json:
    return {
        "id": op.id,
        "action": op.action,
        "domain": op.domain,
        "actor": op.actor,
        "taken_over_by": op.taken_over_by or None,
        "asked_at": time(op.asked_at),
        "state": str(op.state),
        "ended_at": time(op.ended_at),
        "waits_for": op.waits_for or None,
        "question": question(op),
        "error": op.error,
        "result": op.result,
        "request": {
            k: v for k, v in msgspec.to_builtins(op.request).items() if k not in ("confirm", "shown")
        },
        "steps": steps,
    }
