"""What the commands print, field by field, and how they end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import drdeck
from tests.support.vcenter.flow import MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
HASH = re.compile(r"[0-9a-f]{64}")
IDENT = re.compile(r"op-[0-9a-f]+")
PERCENT = range(101)
COUNT = range(1 << 63)
MODE = frozenset(
    {
        "protected",
        "imported",
        "rehydrating",
        "synchronised",
        "completing",
        "pitr_session",
        "running_in_failover",
    }
)
STEP = {"number": COUNT, "of": COUNT, "label": str, "progress": (PERCENT, None)}
SESSION = {
    "id": str, "state": frozenset({"waiting", "active", "rolling_back", "exiting"}),
    "started_at": (TIME, None), "unprotected_s": (COUNT, None), "rolled_back_to": (TIME, None),
}  # fmt: skip
ALARM = {
    "time": TIME, "severity": frozenset({"info", "warning", "critical"}), "vm": (str, None), "kind": str,
    "text": str,
}  # fmt: skip
DOMAIN_SHAPE = {
    "name": str, "mode": MODE, "owner": frozenset({"local", "remote"}), "vms_total": COUNT,
    "vms_recoverable": COUNT, "vms_recovered": COUNT, "pitr": {"enabled": bool, "window_s": COUNT},
    "rpo_s": (COUNT, None), "remaining_bytes": (int, None), "processed_bytes": (int, None),
    "step": (STEP, None), "session": (SESSION, None), "alarms": [ALARM], "operation": (IDENT, None),
}  # fmt: skip
VM = {
    "name": str, "status": str, "power": frozenset({"on", "off", "suspended", "unknown"}),
    "ready": (bool, None), "health": frozenset({"unknown", "ok", "failed"}), "restore_points": int,
    "rolled_back_to": (TIME, None), "error": (str, None),
}  # fmt: skip
EXCLUDED = [{"from": TIME, "to": (TIME, None)}]
SHOW = {
    **DOMAIN_SHAPE, "vms": [VM], "steps": [STEP], "excluded": EXCLUDED,
    "networks": {"protected": [str], "recovery": [str], "mapping": dict},
}  # fmt: skip
DOMAINS = {"site": str, "kind": str, "seen_at": TIME, "stale_s": COUNT, "domains": [DOMAIN_SHAPE]}
POINT = {
    "time": TIME, "kind": str, "vms": int, "skew_s": COUNT, "written_bytes": (int, None),
    "hint": (str, None),
}  # fmt: skip
POINTS = {"points": [POINT], "excluded": EXCLUDED}
STATUS = {
    "pid": int, "site": str, "since": TIME, "consoles": [str], "operations": [IDENT], "version": str,
}  # fmt: skip
EVENT = {
    "id": int, "time": TIME, "actor": str, "kind": str, "data": dict, "previous": HASH, "hash": HASH,
}  # fmt: skip
LEVEL = frozenset({"ok", "warn", "fail"})
FINDINGS = {"findings": [{"level": LEVEL, "subject": str, "text": str, "remedy": (str, None)}]}


def fits(value: Any, shape: Any, where: str = "$") -> None:
    """Fails where a value has not the shape; further fields are free.

    A range is a number within it, a frozenset one of its words, a tuple any of what it holds.
    """
    if isinstance(shape, tuple):
        if None in shape and value is None:
            return
        (shape,) = [s for s in shape if s is not None]
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where} is {value!r}"
        for key, inner in shape.items():
            assert key in value, f"{where} has no {key!r}"
            fits(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where} is {value!r}"
        for i, item in enumerate(value):
            fits(item, shape[0], f"{where}[{i}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{where} is {value!r}"
    elif isinstance(shape, frozenset):
        assert value in shape, f"{where} is {value!r}"
    elif isinstance(shape, range):
        assert type(value) in (int, float) and shape.start <= value < shape.stop, f"{where} is {value!r}"
    else:
        assert type(value) is shape, f"{where} is {value!r}"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({}, {"a": str}), ({"a": 1}, {"a": str}), (None, str), ("2026-01-01T00:00:00", TIME), (True, COUNT),
        (-1, COUNT), (101, PERCENT), ("b", frozenset("a")), ([1], [str]), (1, (str, None)), (1.0, int),
        ("2026-01-01T00:00:00+00:00", (TIME, None)), ({"a": None}, ({"a": str}, None)),
    ],
)  # fmt: skip
def test_the_checker_itself(value: Any, shape: Any) -> None:
    with pytest.raises(AssertionError):
        fits(value, shape)


def test_every_object(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {DOMAIN: VMS, "crm": ["crm01"]})
    deck = flow.deck

    def look() -> dict[str, Any]:
        listed = deck.json("domains")
        fits(listed, DOMAINS)
        domain = deck.json("show", DOMAIN)
        fits(domain, SHOW)
        row = next(d for d in listed["domains"] if d["name"] == DOMAIN)
        assert set(row) <= set(domain), "a domain is told the same way in both"
        fits(deck.json("pitr", "points", DOMAIN), POINTS)
        return domain

    domain = look()
    assert domain["remaining_bytes"] is None and domain["step"] is None and domain["session"] is None
    assert [vm["ready"] for vm in domain["vms"]] == [None] * 3
    assert domain["pitr"] == {"enabled": True, "window_s": 259200, "interval_s": 14_400}
    done = deck.run("cfo", "start", DOMAIN, "--network", "DC0_DVPG0=VM Network", "--wait", "--json")
    assert set(json.loads(done.stdout)) == {"operation"}
    assert re.fullmatch(r"op-\w+\n", deck.run(
        "cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN, "--wait"
    ).stdout)  # fmt: skip
    domain = look()
    assert domain["networks"]["mapping"] == {"DC0_DVPG0": "VM Network"}
    assert domain["networks"]["protected"] == ["DC0_DVPG0"], "also once they are on the recovery network"
    assert domain["session"]["state"] == "active" and domain["excluded"][0]["to"] is None
    assert domain["vms_recovered"] == 3 and domain["steps"][-1]["label"] == "PITR session"
    points = deck.json("pitr", "points", DOMAIN)["points"]
    deck.run("pitr", "run", DOMAIN, "--to", points[1]["time"], "--wait")
    domain = look()
    assert domain["session"]["rolled_back_to"] == points[1]["time"]
    assert {vm["rolled_back_to"] for vm in domain["vms"]} == {points[1]["time"]}

    status = deck.json("controller", "status")
    fits(status, STATUS)
    assert status["operations"] == [domain["operation"]] and status["version"] == drdeck.__version__
    assert status["consoles"] == [], "a command is no console"
    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    look()
    tasks = deck.json("tasks")["operations"]
    assert [t["action"] for t in tasks] == ["pitr_exit", "pitr_run", "cfo_complete", "cfo_start"]
    for task in tasks:
        fits(task, {"id": str, "domain": str, "state": str, "steps": [{"time": TIME, "says": str}]})
    events = [json.loads(line) for line in deck.run("audit", "export").stdout.splitlines()]
    for event in events:
        fits(event, EVENT)
    assert [e["id"] for e in events] == list(range(1, len(events) + 1))
    assert [e["previous"] for e in events[1:]] == [e["hash"] for e in events[:-1]]
    assert deck.json("audit", "verify") == {"events": len(events), "sound": True, "problems": []}


def test_an_alarm(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.run("domains")
    recovery.set_connection(VMS[0], "disconnected")
    flow.until(lambda d: d["alarms"])
    (listed,) = flow.deck.json("domains")["domains"]
    fits(listed, DOMAIN_SHAPE)
    (alarm,) = listed["alarms"]
    assert (alarm["vm"], alarm["severity"]) == (VMS[0], "warning") and VMS[0] in alarm["text"]


def test_what_has_nothing_to_do_with_a_flow(make_flow: MakeFlow, recovery: VCenter, tmp_path: Path) -> None:
    flow = make_flow(recovery, None, toml=settings() + settings("no-such"))
    deck = flow.deck
    assert deck.run("controller", "status", code=1).stdout == ""
    report = deck.json("doctor")  # starts the controller, and waits until it has seen the site
    fits(report, FINDINGS)
    subjects = {f["subject"]: f["level"] for f in report["findings"]}
    assert subjects["site"] == subjects["certificate"] == subjects["privileges"] == subjects["clock"] == "ok"
    assert subjects["domain no-such"] == "warn"
    sites = deck.json("sites")["sites"]
    assert [s["name"] for s in sites if s["chosen"]] == ["dr-west"] and sites[0]["kind"] == "vsphere"
    assert deck.run("controller", "start").stdout == ""
    deck.run("controller", "stop")
    assert deck.run("controller", "stop").stdout == "", "stopping twice is no error"


def test_watch(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    done = flow.deck.run("watch", DOMAIN, "--until", "session", "--timeout", "3", "--json", code=7)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and all(line["mode"] == "imported" for line in lines)
    for line in lines:
        fits(line, {**DOMAIN_SHAPE, "time": TIME, "waits_for": (str, None)})
    assert "within 3 s" in done.stderr
    flow.deck.run("watch", "--until", "idle", "--timeout", "60")
    flow.start()
    assert flow.deck.run("watch", DOMAIN, "--until", "synchronised").stdout
    recovery.slow("PowerOnVM_Task", None, 5000)
    done = flow.deck.run(
        "cfo",
        "complete",
        DOMAIN,
        "--type",
        "force",
        "--confirm",
        DOMAIN,
        "--wait",
        "--timeout",
        "0.2",
        code=7,
    )
    assert done.stdout.startswith("op-") and "continues" in done.stderr
    flow.deck.run("watch", DOMAIN, "--until", "running_in_failover", "--timeout", "60")
