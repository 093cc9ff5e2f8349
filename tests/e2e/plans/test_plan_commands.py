"""`drdeck plan` as a process has it: the look, the decision, the run, one instant, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.console.terminal import poll
from tests.support.deck import Deck
from tests.support.plans.report_figures import recomputed

SCENARIO = """
name = "three"
start = "2026-03-06T08:00:00Z"
opens = "2026-03-06T10:00:00Z"
link_bytes_per_s = 1_000_000_000
"""
DOMAIN = """
[[domains]]
name = "{name}"
pitr = {{ enabled = true, window = "3d", interval = "{interval}" }}
state = "{state}"
protected_site = "{site}"
{lost}
recovery_networks = ["DR"]
vms = [{{ name = "{name}-1", disk_bytes = 1_000_000_000, boot = "5s", network = "{network}" }}]
"""
SETTINGS = """
default_site = "lab"
[sites.lab]
kind = "training"
scenario = "{scenario}"
speed = 120
[sites.lab.plans.two]
waves = [{{ name = "first", domains = ["ad"] }}, {{ name = "second", domains = ["erp", "nobody-*"] }}]
[sites.lab.plans.gated]
waves = [{{ name = "first", domains = ["ad"] }}, {{ name = "second", domains = ["erp"], gate = "confirm" }}]
[sites.lab.plans.twice]
waves = [{{ name = "first", domains = ["ad", "e*"] }}, {{ name = "second", domains = ["erp"] }}]
others = "last"
"""


def domain(name: str, state: str = "synchronised", site: str = "lost", network: str = "VM_1") -> str:
    lost = 'lost_at = "2026-03-06T09:55:00Z"' if site == "lost" else ""
    interval = "1m" if name == "ad" else "7m"
    return DOMAIN.format(name=name, state=state, site=site, lost=lost, network=network, interval=interval)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    scenario = tmp_path / "three.toml"
    parts = [domain("ad"), domain("erp", network="VM_2"), domain("old", state="imported"),
             domain("runs", site="reachable")]  # fmt: skip
    scenario.write_text(SCENARIO + "".join(parts), "utf-8")
    deck = Deck(tmp_path, SETTINGS.format(scenario=scenario))
    yield deck
    deck.stop()


def begin(deck: Deck, *words: str, code: int = 0) -> str:
    run: str = deck.json("plan", "run", *words, code=code)["run"]
    return run


def domains_of(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in status["domains"]}


def test_a_plan_from_the_look_to_the_way_out(deck: Deck) -> None:
    look = deck.run("plan", "check", "all", "--json", code=1)
    check = json.loads(look.stdout)
    possible = {row["name"]: row["possible"] for row in check["domains"]}
    assert possible == {"ad": "possible", "erp": "possible", "old": "not_possible", "runs": "warning"}
    assert (check["type"], check["confirm"], check["confirm_running"]) == ("force", "all 3", "RUNNING 1")
    sites = "vcsa.prod.example (answers), vcsa.prod.example (does not answer)"
    assert check["direction"] == f"from {sites} to lab"

    words = deck.run("plan", "check", "all", code=1)
    assert "--confirm 'all 3'" in words.stderr and "--confirm-running 'RUNNING 1'" in words.stderr

    decision = ("all", "--type", "force", "--run-pitr", "--except-running")
    refusal = deck.run("plan", "run", *decision, code=3)
    assert '"all 2"' in refusal.stderr and not refusal.stdout
    ident = begin(deck, *decision, "--confirm", "all 2", "--wait", code=1)  # with exceptions
    status = deck.json("plan", "status", ident)
    assert status["state"] == "done_with_exceptions" and status["number"] == 2
    rows = domains_of(status)
    assert {name: row["state"] for name, row in rows.items()} == {
        "ad": "pitr_session", "erp": "pitr_session", "old": "not_possible", "runs": "left_out",
    }  # fmt: skip
    assert rows["ad"]["recovered"] == rows["ad"]["vms"] == 1 and rows["ad"]["operation"].startswith("op-")

    points = deck.json("plan", "pitr", "points", ident)
    assert points["domains"] == ["ad", "erp"] and points["points"]
    offered = next(p for p in points["points"] if p["reached"] == 2 and p["spread_s"] > 0)
    refusal = deck.run("plan", "pitr", "run", ident, "--to", offered["time"], "--confirm", "all 1", code=3)
    assert '"all 2"' in refusal.stderr
    pitr_run = ("plan", "pitr", "run", ident, "--to", offered["time"])
    goes_back = deck.json(*pitr_run, "--dry-run")
    assert goes_back["dry_run"] and goes_back["spread_s"] == offered["spread_s"]
    assert "dry run: nothing was started" in deck.run(*pitr_run, "--dry-run").stderr
    assert deck.json("plan", "status", ident)["pitr"] is None, "a look begins nothing"
    back = deck.json("plan", "pitr", "run", ident, "--to", offered["time"], "--confirm", "all 2", "--wait")
    assert all(row["point"] <= offered["time"] for row in back["domains"]), "never later than asked for"
    pitr = deck.json("plan", "status", ident)["pitr"]
    assert pitr["spread_s"] == offered["spread_s"] and pitr["barrier"] == []
    for name in ("ad", "erp"):
        assert deck.json("show", name)["session"]["rolled_back_to"] == offered["time"]
    tried = deck.json("plan", "pitr", "points", ident)
    assert tried["last_good"] == offered["time"] and points["last_good"] is None, "once no check failed at it"
    again = deck.json("plan", "pitr", "run", ident, "--to", "last-good", "--dry-run")
    assert again["time"] == offered["time"]
    calm = deck.run("plan", "pitr", "run", ident, "--to", "before-abnormal", "--dry-run", code=3)
    assert "no abnormal writing is seen" in calm.stderr
    exits = deck.json("plan", "pitr", "exit", ident, "--dry-run")
    assert exits == {"dry_run": True, "run": ident, "leaving": ["ad", "erp"], "stays": []}
    left = deck.json("plan", "pitr", "exit", ident, "--wait")
    assert left["leaving"] == ["ad", "erp"] and left["stays"] == []
    assert {row["mode"] for row in deck.json("domains")["domains"] if row["name"] in ("ad", "erp")} == {
        "running_in_failover"
    }

    deck.run("controller", "stop")  # the report is from the journal alone
    report = deck.json("plan", "report", ident)
    journal = [json.loads(line) for line in deck.run("audit", "export").stdout.splitlines()]
    figures = recomputed(journal, ident)
    assert {key: report[key] for key in figures} == figures
    assert report["rto_s"] > 0 and report["unprotected_longest_s"] > 0 and report["journal"]["sound"]
    assert {row["name"]: row["became"] for row in report["domains"]} == {
        "ad": "recovered", "erp": "recovered", "old": "not_possible", "runs": "left_out",
    }  # fmt: skip
    assert report["rollbacks"][0]["spread_s"] == offered["spread_s"]
    markdown = deck.run("plan", "report", ident).stdout
    assert "## Waves" in markdown and "its chain is sound" in markdown
    assert 'no run "run-0"' in deck.run("plan", "report", "run-0", code=2).stderr


def test_what_is_refused_says_why(deck: Deck) -> None:
    """The bad input that a plan is likely to be given."""
    two = deck.json("plan", "show", "two")
    assert any('no domain is named "nobody-*"' in text for text in two["problems"])
    assert any("leaves out 2" in text for text in deck.json("plan", "check", "two")["problems"])
    twice = deck.json("plan", "show", "twice")
    assert any('"erp" is in the waves "first" and "second"' in text for text in twice["problems"])
    assert [wave["domains"] for wave in twice["members"]] == [["ad", "erp"], [], ["runs", "old"]]

    doctor = {f["subject"]: f for f in deck.json("doctor", code=1)["findings"]}
    assert doctor["plan two"]["level"] == doctor["plan twice"]["level"] == "fail"
    assert 'no domain is named "nobody-*"' in doctor["plan two"]["text"]
    assert doctor["plan gated"]["level"] == "ok" and "plan all" not in doctor

    force = ("--type", "force", "--confirm", "all 2", "--except-running")
    refused = {
        ("plan", "check", "nothing"): (3, 'there is no plan "nothing"'),
        ("plan", "status", "run-0"): (2, 'there is no run "run-0"'),
        ("plan", "run", "all", *force, "--only", "x*"): (2, "no domain of the plan is named 'x*'"),
        ("plan", "run", "all", *force, "--network", "VM_9=DR"): (2, 'on a network "VM_9"'),
        ("plan", "run", "--domains", "ad,nobody", *force): (2, "there is no Protected Domain 'nobody'"),
        ("plan", "run", "all", "--type", "force", "--confirm", "all 3"): (3, "RUNNING 1"),
        ("--read-only", "plan", "run", "all", *force): (3, "read-only"),
        ("plan", "run", "--domains", "old", "--type", "force"): (3, "no domain of"),
    }
    for words, (code, text) in refused.items():
        done = deck.run(*words, code=code)
        assert text in done.stderr, done.stderr

    deck.config.write_text(deck.config.read_text().replace("[sites.lab.plans.two]", "[sites.lab.plans.all]"))
    assert '"all" is there without settings' in deck.run("plan", "list", code=2).stderr


def test_two_runs_do_not_want_one_domain_and_an_edit_counts_from_the_next(deck: Deck) -> None:
    ident = begin(deck, "gated", "--type", "force", "--confirm", "gated 2")
    stopped = deck.run("plan", "watch", ident, "--timeout", "60", code=4)
    assert deck.typed(f"plan resume {ident}") in stopped.stderr, "the gate names what opens it"
    deck.run("plan", "pause", ident)
    other = deck.run("plan", "run", "--domains", "erp", "--type", "force", "--confirm", "marked 1", code=3)
    assert "in use by" in other.stderr or "still open" in other.stderr
    text = deck.config.read_text().replace('domains = ["erp"], gate', 'domains = ["runs"], gate')
    deck.config.write_text(text)
    edited = deck.json("plan", "show", "gated")
    assert [wave["domains"] for wave in edited["members"]] == [["ad"], ["runs"]]
    status = deck.json("plan", "status", ident)
    assert set(domains_of(status)) == {"ad", "erp"}, "frozen with the decision"
    look = status["protected"]
    assert not look["answers"] and look["asked_at"] >= status["since"]
    assert look["answered_at"] == "2026-03-06T09:55:00Z"
    deck.run("plan", "resume", ident)  # the pause; the gate is shut still
    deck.run("plan", "leave-out", ident, "erp")
    deck.run("plan", "watch", ident, "--timeout", "60", code=1)
    assert domains_of(deck.json("plan", "status", ident))["erp"]["state"] == "left_out"


def test_a_killed_controller_goes_on_with_the_run(deck: Deck) -> None:
    ident = begin(deck, "two", "--type", "force", "--confirm", "two 2")
    os.kill(deck.json("controller", "status")["pid"], signal.SIGKILL)
    deck.run("plan", "watch", ident, "--timeout", "60")
    status = deck.json("plan", "status", ident)
    assert status["state"] == "done"
    begun = [row["operation"] for row in status["domains"]]
    assert len(set(begun)) == 2
    accepted = [json.loads(line) for line in deck.run("audit", "export").stdout.splitlines()]
    domains = [e["data"]["request"]["domain"] for e in accepted if e["kind"] == "accepted"]
    assert domains == ["ad", "erp"], "each once, by waves"


def test_the_same_question_of_many_domains_is_answered_at_once(tmp_path: Path) -> None:
    scenario = tmp_path / "three.toml"
    faults = [
        f'[[faults]]\nkind = "power_on_fails"\ndomain = "{n}"\nvms = ["{n}-1"]\n' for n in ("ad", "erp")
    ]
    parts = [domain("ad"), domain("erp"), *faults]
    scenario.write_text(SCENARIO + "".join(parts), "utf-8")
    deck = Deck(tmp_path, SETTINGS.format(scenario=scenario))
    try:
        ident = begin(deck, "all", "--type", "force", "--confirm", "all 2")

        def asks() -> bool:
            return int(deck.json("plan", "status", ident)["needs"]) == 2

        poll(asks, 120)
        wrong = deck.run("answer", "--run", ident, "--kind", "slow", "retry", code=3)
        assert "it asks of site" in wrong.stderr
        answered = deck.run("answer", "--run", ident, "--kind", "not_ready", "retry")
        assert [line.split(":")[0] for line in answered.stdout.splitlines()] == ["ad", "erp"]
        deck.run("plan", "watch", ident, "--timeout", "120")
        answers = [q["choice"] for q in deck.json("plan", "report", ident)["questions"]]
        assert answers == ["retry", "retry"]
    finally:
        deck.stop()
