"""The JSON objects of plans and runs, as the interface has them."""

from __future__ import annotations

from datetime import datetime

from drdeck.cli.json_shapes import Json, seconds, time
from drdeck.model.plans.common_instant import BEFORE_ABNORMAL, GOOD, CommonInstant, RunPoints
from drdeck.model.plans.failover_plan import FailoverPlan
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, PlanSummary
from drdeck.model.plans.run_views import BatchOfRun, DomainInRun, InstantOfRun, ProtectedAsked, RunView


def plan(p: FailoverPlan) -> Json:
    return {
        "name": p.name,
        "title": p.title or None,
        "type": None if p.type is None else str(p.type),
        "run_pitr": p.run_pitr,
        "waves": [{"name": w.name, "domains": list(w.domains), "gate": str(w.gate)} for w in p.waves],
        "others": str(p.others),
        "domains_at_once": p.domains_at_once,
        "patience_s": seconds(p.patience_s),
        "on_failure": str(p.on_failure),
    }


def summary(s: PlanSummary) -> Json:
    return {
        **plan(s.plan),
        "domains": s.domains,
        "problems": list(s.problems),
        "rehearsed": s.rehearsed or None,
    }


def check(c: PlanCheck) -> Json:
    return {
        "plan": c.plan.name,
        "at": time(c.at),
        "type": str(c.type),
        "run_pitr": c.run_pitr,
        "number": c.number,
        "vms": c.vms,
        "refusal": c.refusal or None,
        "confirm": c.type_confirm or None,
        "confirm_running": c.running_confirm or None,
        "running": list(c.running),
        "unmapped": list(c.unmapped),
        "domains": [_checked(d, c) for d in c.domains],
        "problems": list(c.problems),
        "direction": c.direction or None,
        "says": list(c.says),
        "not_checked": list(c.not_checked),
        "room": list(c.room),
        "facts": c.facts,
        "rehearsed": c.rehearsed or None,
        "estimate_s": None if c.estimate_s is None else seconds(c.estimate_s),
        "estimate_from": c.estimate_from or None,
    }


def _checked(d: DomainCheck, c: PlanCheck) -> Json:
    return {
        "name": d.name,
        "wave": c.waves[d.wave],
        "possible": "left_out" if d.left_out else str(d.possible),
        "reason": d.reason or None,
        "warnings": list(d.warnings),
        "vms": d.vms,
        "running": d.running,
        "protected_site": d.protected,
        "networks": d.networks,
        "tested": None if d.tested is None else {"at": time(d.tested.at), "result": d.tested.result},
    }


def run(r: RunView, now: datetime) -> Json:
    """The JSON of a run; `now` is the site's time."""
    return {
        "run": r.run,
        "plan": r.plan,
        "state": str(r.state),
        "why": r.why or None,
        "type": str(r.type),
        "run_pitr": r.run_pitr,
        "number": r.number,
        "since": time(r.since),
        "by": r.by,
        "ended_at": time(r.ended_at),
        "waves": [
            {"name": w.name, "state": w.state, "settled": w.settled, "of": w.of, "begins": w.begins or None}
            for w in r.waves
        ],
        "domains": [_domain(d, r, now) for d in r.domains],
        "places": {kind: list(used) for kind, used in r.places.items()},
        "pitr": None if r.pitr is None else _pitr(r.pitr),
        "batches": [_batch(b) for b in r.batches],
        "needs": r.needs,
        "answers_again": time(r.answers_again),
        "protected": None if r.protected is None else _protected(r.protected),
        "finishes_at": time(r.finishes_at),
        "finishes_from": r.finishes_from or None,
        "driver": r.holder or None,
    }


def _protected(p: ProtectedAsked) -> Json:
    return {"answers": p.answers, "asked_at": time(p.at), "answered_at": time(p.answered_at)}


def _domain(d: DomainInRun, r: RunView, now: datetime) -> Json:
    return {
        "name": d.name,
        "wave": r.waves[d.wave].name,
        "state": str(d.state),
        "reason": d.reason or None,
        "operation": d.operation,
        "vms": d.vms,
        "recovered": d.recovered,
        "question": {"text": d.question, "choices": list(d.choices)} if d.question else None,
        "needs": str(d.needs) or None,
        "doing": d.doing or None,
        "settled": d.settled,
        "since_s": None if d.since is None else seconds(max(0.0, (now - d.since).total_seconds())),
    }


def _batch(b: BatchOfRun) -> Json:
    return {
        "action": b.action,
        "asked_at": time(b.asked_at),
        "by": b.by,
        "domains": list(b.domains),
        "operations": b.operations,
        "done": list(b.done),
        "failed": {**b.failed, **b.stopped},
        "asking": list(b.asking),
        "unknown": list(b.unknown),
    }


def _pitr(p: InstantOfRun) -> Json:
    return {
        "to": time(p.to),
        "asked_at": time(p.asked_at),
        "spread_s": seconds(p.spread_s),
        "oldest": time(p.oldest),
        "newest": time(p.newest),
        "domains": list(p.domains),
        "cannot": list(p.cannot),
        "barrier": list(p.barrier),
    }


def points(p: RunPoints) -> Json:
    return {
        "run": p.run,
        "domains": list(p.domains),
        "without": p.without,
        "last_good": _time_of(p.last(GOOD)),
        "before_abnormal": _time_of(p.last(BEFORE_ABNORMAL)),
        "points": [instant(i) for i in p.instants],
    }


def _time_of(instant: CommonInstant | None) -> str | None:
    return None if instant is None else time(instant.to)


def instant(i: CommonInstant) -> Json:
    return {
        "time": time(i.to),
        "kind": i.kind or None,
        "spread_s": seconds(i.spread_s),
        "oldest": time(i.oldest),
        "newest": time(i.newest),
        "reached": len(i.reaching),
        "domains": [
            {"name": d.name, "point": time(d.point), "age_s": seconds(d.age_s), "missing": list(d.missing)}
            for d in i.reaching
        ],
        "cannot": [{"name": d.name, "reason": d.cannot} for d in i.cannot],
    }
