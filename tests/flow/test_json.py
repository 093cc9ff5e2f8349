"""What the commands print, field by field, and how they end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import drdeck
from tests.flow.conftest import MakeFlow
from tests.support.flow import settings
from tests.support.flowsite import DOMAIN, VMS
from tests.support.vcsim import VCenter

pytestmark = pytest.mark.vcsim

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
NUMBER = (int, float)
STEP = {"number": int, "of": int, "label": str, "progress": (*NUMBER, None)}
SESSION = {
    "id": str, "state": str, "started_at": TIME, "unprotected_s": NUMBER, "rolled_back_to": (TIME, None),
}  # fmt: skip
ALARM = {"time": TIME, "severity": str, "vm": (str, None), "kind": str, "text": str}
DOMAIN_SHAPE = {
    "name": str, "mode": str, "owner": str, "vms_total": int, "vms_recoverable": int, "vms_recovered": int,
    "pitr": {"enabled": bool, "window_s": NUMBER}, "rpo_s": (*NUMBER, None), "remaining_bytes": (int, None),
    "processed_bytes": (int, None), "step": (STEP, None), "session": (SESSION, None), "alarms": [ALARM],
    "operation": (str, None),
}  # fmt: skip
VM = {
    "name": str, "status": str, "power": str, "ready": (bool, None), "health": str, "restore_points": int,
    "rolled_back_to": (TIME, None), "error": (str, None),
}  # fmt: skip
SHOW = {
    **DOMAIN_SHAPE, "vms": [VM], "steps": [STEP], "excluded": [{"from": TIME, "to": (TIME, None)}],
    "networks": {"protected": [str], "recovery": [str], "mapping": dict},
}  # fmt: skip
DOMAINS = {"site": str, "kind": str, "seen_at": TIME, "stale_s": NUMBER, "domains": [DOMAIN_SHAPE]}
POINT = {
    "time": TIME, "kind": str, "vms": int, "skew_s": NUMBER, "written_bytes": (int, None),
    "hint": (str, None),
}  # fmt: skip
POINTS = {"points": [POINT], "excluded": [{"from": TIME, "to": (TIME, None)}]}
STATUS = {
    "pid": int, "site": str, "since": TIME, "consoles": [str], "operations": [str], "version": str,
}  # fmt: skip
EVENT = {
    "id": int, "time": TIME, "actor": str, "kind": str, "data": dict, "previous": str, "hash": str,
}  # fmt: skip
FINDINGS = {"findings": [{"level": str, "subject": str, "text": str, "remedy": (str, None)}]}


def fits(value: Any, shape: Any, where: str = "$") -> None:
    """Fails where a value has not the shape; further fields are free."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key, inner in shape.items():
            assert key in value, f"{where} has no {key!r}"
            fits(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for i, item in enumerate(value):
            fits(item, shape[0], f"{where}[{i}]")
    elif isinstance(shape, tuple):
        if value is None:
            assert None in shape, f"{where} is null"
            return
        if isinstance(value, dict) or any(isinstance(s, re.Pattern) for s in shape):
            fits(value, next(s for s in shape if s is not None), where)
            return
        assert type(value) in shape, f"{where} is {value!r}"
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{where} is {value!r}"
    else:
        assert type(value) is shape, f"{where} is {value!r}"


def test_every_object(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {DOMAIN: VMS, "crm": ["crm01"]})
    deck = flow.deck

    def look() -> dict[str, Any]:
        fits(deck.json("domains"), DOMAINS)
        shown = deck.json("show", DOMAIN)
        fits(shown, SHOW)
        fits(deck.json("pitr", "points", DOMAIN), POINTS)
        return shown

    shown = look()
    assert shown["remaining_bytes"] is None and shown["step"] is None and shown["session"] is None
    assert [vm["ready"] for vm in shown["vms"]] == [None] * 3
    assert shown["pitr"] == {"enabled": True, "window_s": 259200, "interval_s": 900}
    done = deck.run("cfo", "start", DOMAIN, "--network", "DC0_DVPG0=VM Network", "--wait", "--json")
    assert set(json.loads(done.stdout)) == {"operation"}
    assert re.fullmatch(r"op-\w+\n", deck.run(
        "cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN, "--wait"
    ).stdout)  # fmt: skip
    shown = look()
    assert shown["networks"]["mapping"] == {"DC0_DVPG0": "VM Network"}
    assert shown["session"]["state"] == "active" and shown["excluded"][0]["to"] is None
    assert shown["vms_recovered"] == 3 and shown["steps"][-1]["label"] == "PITR session"
    points = deck.json("pitr", "points", DOMAIN)["points"]
    deck.run("pitr", "run", DOMAIN, "--to", points[1]["time"], "--wait")
    shown = look()
    assert shown["session"]["rolled_back_to"] == points[1]["time"]
    assert {vm["rolled_back_to"] for vm in shown["vms"]} == {points[1]["time"]}

    status = deck.json("controller", "status")
    fits(status, STATUS)
    assert status["operations"] == [shown["operation"]] and status["version"] == drdeck.__version__
    assert status["consoles"] == [], "a command is no console"
    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "20")
    look()
    tasks = deck.json("tasks")["operations"]
    assert [t["action"] for t in tasks] == ["pitr_exit", "pitr_run", "cfo_complete", "cfo_start"]
    for task in tasks:
        fits(task, {"id": str, "domain": str, "state": str, "steps": [{"time": TIME, "says": str}]})
    for line in deck.run("audit", "export").stdout.splitlines():
        fits(json.loads(line), EVENT)
    assert deck.json("audit", "verify")["sound"] is True


def test_what_has_nothing_to_do_with_a_flow(make_flow: MakeFlow, recovery: VCenter, tmp_path: Path) -> None:
    flow = make_flow(recovery, None, toml=settings() + settings("no-such"))
    deck = flow.deck
    assert deck.run("controller", "status", code=1).stdout == ""
    told = deck.json("doctor")  # starts the controller, and waits until it has seen the site
    fits(told, FINDINGS)
    subjects = {f["subject"]: f["level"] for f in told["findings"]}
    assert subjects["site"] == subjects["certificate"] == subjects["privileges"] == subjects["clock"] == "ok"
    assert subjects["domain no-such"] == "warn"
    sites = deck.json("sites")["sites"]
    assert [s["name"] for s in sites if s["chosen"]] == ["dr-west"] and sites[0]["kind"] == "vsphere"
    assert deck.run("controller", "start").stdout == ""
    deck.run("controller", "stop")
    assert deck.run("controller", "stop").stdout == "", "stopping twice is no error"


def test_watch(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    done = flow.deck.run("watch", DOMAIN, "--until", "session", "--timeout", "0.3", "--json", code=7)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and all(line["mode"] == "imported" for line in lines)
    for line in lines:
        fits(line, {**DOMAIN_SHAPE, "time": TIME})
    assert "within 0.3 s" in done.stderr
    flow.deck.run("watch", "--until", "idle", "--timeout", "5")
    flow.start()
    assert flow.deck.run("watch", DOMAIN, "--until", "synchronised").stdout
    recovery.slow("PowerOnVM_Task", None, 400)
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
    assert done.stdout.startswith("op-") and "goes on" in done.stderr
    flow.deck.run("watch", DOMAIN, "--until", "running_in_failover", "--timeout", "20")
