"""What a run's report says of questions and of people, from events alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drdeck.controller.journal.event_store import Event
from drdeck.controller.journal.operations import OperationState
from drdeck.controller.journal.run_evidence import made_of
from drdeck.controller.journal.runs import OperationEnd, Recovery
from drdeck.model.times import show
from tests.support.plans.plan_build import NOW, ago, frozen, run

PLAN = frozen({"first": ["ad", "pki"], "second": ["erp"]}, impossible={"pki": "it is imported"})
AT = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)


def event(kind: str, actor: str = "drdeck", /, **data: Any) -> Event:
    at = AT if "at" not in data else data.pop("at")
    return Event(id=1, time=NOW, actor=actor, kind=kind, data={"at": show(at), **data}, previous="", hash="")


def accepted(name: str) -> Event:
    return event("accepted", operation=f"op-{name}", request={"domain": name}, asked_at=show(ago(800)))


def asks(name: str, text: str, kind: str = "site", after_s: float = 0) -> Event:
    at = AT + timedelta(seconds=after_s)
    return event("question", operation=f"op-{name}", question={"kind": kind, "text": text}, at=at)


def answer(name: str, choice: str, after_s: float) -> Event:
    at = AT + timedelta(seconds=after_s)
    return event("answer", "ann@jump", operation=f"op-{name}", choice=choice, question="", at=at)


def test_who_answered_what_and_what_ended_unanswered() -> None:
    events = [
        accepted("ad"),
        accepted("erp"),
        asks("ad", "1 VM is not ready"),
        asks("ad", "2 VMs are not ready", after_s=5),  # the same question, of more VMs
        answer("ad", "skip", after_s=60),
        asks("ad", "lost its answer", kind="unknown", after_s=70),
        asks("erp", "busy"),
        event("settled", operation="op-erp"),
        asks("erp", "failed", kind="failed"),
        event("ended", operation="op-erp", state="failed", error="refused"),
        asks("other", "of another run"),
    ]
    report = made_of(run(PLAN, "ad", "erp"), events)
    rows = [(q.domain, q.text, q.choice, q.by, q.over) for q in report.questions]
    assert rows == [
        ("ad", "2 VMs are not ready", "skip", "ann@jump", ""),
        ("ad", "lost its answer", "", "", ""),
        ("erp", "busy", "", "", "settled without an answer"),
        ("erp", "failed", "", "", "the operation ended: failed"),
    ]
    first = report.questions[0]
    assert first.at == AT and first.answered_at == AT + timedelta(seconds=60), "since it was asked first"


def test_a_wave_has_no_rto_before_its_last_domain_serves() -> None:
    record = run(
        frozen({"first": ["ad", "dns"], "second": ["erp", "files"]}),
        "ad", "dns", "erp",
        recovered={
            "ad": Recovery(operation="op-ad", at=ago(700), vms=3, of=3),
            "dns": Recovery(operation="op-dns", at=ago(650), vms=2, of=3),
            "erp": Recovery(operation="op-earlier", at=ago(600), vms=3, of=3),
        },
    )  # fmt: skip
    report = made_of(record, [])
    assert [w.rto_s for w in report.waves] == [250.0, None]
    assert [(w.recovered, w.vms_recovered) for w in report.waves] == [(2, 5), (0, 0)]
    assert report.rto_s is None and report.vms_recovered == 5
    became = {d.name: d.became for d in report.domains}
    assert became == {"ad": "recovered", "dns": "recovered", "erp": "under way", "files": "not begun"}


def test_every_domain_became_something() -> None:
    record = run(PLAN, "erp", ends={"op-erp": OperationEnd(state=OperationState.FAILED, at=NOW)})
    ended = event("ended", operation="op-erp", state="failed", error="no room", result={})
    out = event("run_left_out", "ann@jump", run="run-1", domain="ad")
    paused = event("run_paused", "ann@jump", run="run-1", why="paused by ann@jump")
    report = made_of(record, [accepted("erp"), ended, out, paused, event("run_paused", run="run-2", why="")])
    assert {d.name: (d.became, d.reason) for d in report.domains} == {
        "ad": ("not begun", ""),
        "pki": ("not possible", "it is imported"),
        "erp": ("failed", "no room"),
    }
    assert [(w.by, w.says) for w in report.words] == [("ann@jump", "left out ad"), ("ann@jump", "Pause Plan")]
    assert report.state == "under way" and report.rto_s is None
