"""The figures of a run's report, computed anew from the exported journal and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from drdeck.model.times import show, show_clock

Event = dict[str, Any]


def recomputed(journal: list[Event], run: str) -> dict[str, Any]:
    """Figures by their key in the report: RTO, VMs, unprotected time, rollbacks, questions."""
    own = [event for event in journal if event["data"].get("run") == run]
    decided = next(event["data"] for event in own if event["kind"] == "run_begun")
    since = _time(decided["at"])
    recovered = {e["data"]["domain"]: e["data"] for e in own if e["kind"] == "run_recovered"}
    begun = {
        e["data"]["request"]["domain"]: e["data"]["operation"]
        for e in own
        if e["kind"] == "accepted" and not e["data"]["batch"]
    }
    operations = {e["data"]["operation"] for e in own if e["kind"] == "accepted"}
    ends = {
        e["data"]["operation"]: e["data"]
        for e in journal
        if e["kind"] == "ended" and e["data"]["operation"] in operations
    }
    rto = {name: (_time(data["at"]) - since).total_seconds() for name, data in recovered.items()}
    results = [ends[op]["result"] for op in begun.values() if op in ends]
    lengths = [float(result["unprotected_s"]) for result in results if "unprotected_s" in result]
    return {
        "decided_at": _in_json(decided["at"]),
        "rto_s": round(max(rto.values()), 3),
        "vms_recovered": sum(data["vms"] for data in recovered.values()),
        "unprotected_s": sum(lengths),
        "unprotected_longest_s": max(lengths, default=0),
        "waves": [_wave(number, wave["name"], decided, recovered, rto)
                  for number, wave in enumerate(decided["frozen"]["waves"])],
        "rollbacks": [_rollback(e, ends, own) for e in own if _is_batch(e, "pitr_run")],
        "questions": _questions(journal, {op: name for name, op in begun.items()}),
    }  # fmt: skip


def _questions(journal: list[Event], domain_of: dict[str, str]) -> list[Event]:
    """What failovers asked, with the answers of people."""
    answers = {
        e["data"]["question"]: e
        for e in journal
        if e["kind"] == "answer" and e["data"]["operation"] in domain_of
    }
    questions = {
        e["data"]["question"]["id"]: e["data"]
        for e in reversed(journal)
        if e["kind"] == "question" and e["data"]["operation"] in domain_of
    }
    return [
        {
            "at": _in_json(data["at"]),
            "domain": domain_of[data["operation"]],
            "operation": data["operation"],
            "kind": data["question"]["kind"],
            "text": data["question"]["text"],
            "choice": answers[ident]["data"]["choice"],
            "by": answers[ident]["actor"],
            "answered_at": _in_json(answers[ident]["data"]["at"]),
            "over": None,
        }
        for ident, data in reversed(questions.items())
    ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_json(text: str) -> str:
    """The same instant as JSON shows it: the journal keeps the zeros at the end of a fraction."""
    return show(_time(text))


def _wave(number: int, name: str, decided: Event, recovered: Event, rto: dict[str, float]) -> Event:
    rows = [d for d in decided["frozen"]["domains"] if d["wave"] == number]
    times = [rto[d["name"]] for d in rows if d["name"] in rto]
    return {
        "name": name,
        "domains": len(rows),
        "recovered": len(times),
        "vms": sum(recovered.get(d["name"], {}).get("of", d.get("vms", 0)) for d in rows),
        "vms_recovered": sum(recovered[d["name"]]["vms"] for d in rows if d["name"] in recovered),
        "rto_s": round(max(times), 3) if times else None,
    }


def _is_batch(event: Event, action: str) -> bool:
    return bool(event["kind"] == "run_batch" and event["data"]["batch"]["action"] == action)


def _rollback(event: Event, ends: Event, own: list[Event]) -> Event:
    batch = event["data"]["batch"]
    operations = [
        e["data"]["operation"] for e in own if e["kind"] == "accepted" and e["data"]["batch"] == batch["id"]
    ]
    times = [_time(point) for point in batch["points"].values()]
    return {
        "at": _in_json(batch["asked_at"]),
        "by": event["actor"],
        "to": _in_json(batch["to"]),
        "domains": len(batch["domains"]),
        "done": sum(ends[op]["state"] == "done" for op in operations if op in ends),
        "points": {name: _in_json(point) for name, point in batch["points"].items()},
        "spread_s": round((max(times) - min(times)).total_seconds(), 3),
        "cannot": batch.get("cannot", {}),
        "released": [],
    }


def last_screen(journal: list[Event], run: str) -> set[str]:
    """Words with figures on a run's screen once it is over: the clock, VMs, waves."""
    decided, ended = _of_run(journal, run, "run_begun"), _of_run(journal, run, "run_ended")
    recovered = _by_domain(journal, run, "run_recovered")
    vms = f"{sum(d['vms'] for d in recovered.values())}/{sum(d['of'] for d in recovered.values())}"
    seconds = (_time(ended["at"]) - _time(decided["at"])).total_seconds()
    waves = [0] * len(decided["frozen"]["waves"])
    for domain in decided["frozen"]["domains"]:
        waves[domain["wave"]] += 1
    return {show_clock(seconds), vms, *(f"{of}/{of}" for of in waves)}


def last_sentences(journal: list[Event], run: str) -> tuple[str, str]:
    """What the screen says of the domains of a run that is over, and of its last rollback."""
    left, here = _by_domain(journal, run, "run_left_out"), _by_domain(journal, run, "run_recovered")
    counts = Counter[str]()
    domains = _of_run(journal, run, "run_begun")["frozen"]["domains"]
    for domain in domains:
        before = (("impossible", "not possible"), ("skipped", "here before"), ("left_out", "left out"))
        became = next((word for key, word in before if domain.get(key)), "")
        counts[became or ("left out" if domain["name"] in left else "here")] += 1
    assert counts["here"] == len(here.keys() - left.keys())
    words = [f"{counts[w]} {w}" for w in ("here", "here before", "left out", "not possible") if counts[w]]
    backs = [e for e in journal if _is_batch(e, "pitr_run") and e["data"]["run"] == run]
    batch = backs[-1]["data"]["batch"]
    points = [_time(point) for point in batch["points"].values()]
    spread_s = (max(points) - min(points)).total_seconds()
    apart = f"up to {show_clock(spread_s)} apart" if spread_s >= 1 else "at the same instant"
    return (
        f"{len(domains)} domains: {', '.join(words)}",
        f"rolled back to {_time(batch['to']):%H:%M:%SZ}, points {apart}",
    )


_ROW = re.compile(r"(\S+) +(\d+) +\D.* +(\d+/\d+) +(\d\d)([:h])(\d\d)(?!\S)")
"""A row of a run's list: the domain, its wave, its VMs, and for how long it has been so."""


def counts_to_one_instant(screen: str, journal: list[Event], run: str) -> bool:
    """Tell whether the rows of a screen have the waves and VMs of the journal, and their column For, added to
    what the journal has, is one instant in all of them."""
    recovered = _by_domain(journal, run, "run_recovered")
    since = {name: _time(data["at"]) for name, data in recovered.items()}
    waves = {d["name"]: d["wave"] + 1 for d in _of_run(journal, run, "run_begun")["frozen"]["domains"]}
    rows = [row for row in map(_ROW.search, screen.splitlines()) if row is not None and row[1] in since]
    vms = {name: f"{data['vms']}/{data['of']}" for name, data in recovered.items()}
    if any((int(row[2]), row[3]) != (waves[row[1]], vms[row[1]]) for row in rows):
        return False
    units = [("hours", "minutes") if row[5] == "h" else ("minutes", "seconds") for row in rows]
    starts = [
        since[row[1]] + timedelta(**{large: int(row[4]), small: int(row[6])})
        for row, (large, small) in zip(rows, units, strict=True)
    ]
    ends = [start + timedelta(**{small: 1}) for start, (_, small) in zip(starts, units, strict=True)]
    return bool(rows) and max(starts) <= min(ends)


def _of_run(journal: list[Event], run: str, kind: str) -> Event:
    """The data of the run's event of a kind, of which there is one."""
    (data,) = (e["data"] for e in journal if e["kind"] == kind and e["data"]["run"] == run)
    return dict(data)


def _by_domain(journal: list[Event], run: str, kind: str) -> dict[str, Event]:
    return {e["data"]["domain"]: e["data"] for e in journal if e["kind"] == kind and e["data"]["run"] == run}
