"""The whole flow by command line, against two vCenters; the truth is read back from vCenter itself."""

from __future__ import annotations

import json
from datetime import datetime

from drdeck.model.times import show
from tests.support.deck import Deck
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


def test_force_failover_with_pitr_rollback_and_exit(
    deck: Deck, recovery: VCenter, protected_vcenter: VCenter, points: list[datetime]
) -> None:
    listed = deck.json("domains")
    assert listed["kind"] == "vsphere"
    assert [d["name"] for d in listed["domains"]] == [DOMAIN]
    assert listed["domains"][0]["mode"] == "imported"
    assert listed["domains"][0]["owner"] == "remote"

    deck.run("cfo", "start", DOMAIN, "--network", "DC0_DVPG0=VM Network", "--wait")
    assert deck.domain(DOMAIN)["mode"] == "synchronised"

    refused = deck.run("cfo", "complete", DOMAIN, "--type", "regular", "--run-pitr", code=3)
    assert "still run" in refused.stderr
    refused = deck.run("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", code=3)
    assert f'with the name of the domain, "{DOMAIN}"' in refused.stderr
    force = ("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN)
    refused = deck.run(*force, "--even-though", "answers", code=3)
    assert "Force is not needed as things are: 3 of 3 VMs run there" in refused.stderr
    assert "--even-though answers,vms-running" in refused.stderr and "Expected data loss" in refused.stderr
    assert all(recovery.power(vm) == "off" for vm in VMS)

    words = deck.run(*force, "--even-though", "answers, vms-running", "--wait").stderr
    assert "split brain" in words, "what was found is printed always"
    assert "erp-prod runs here: 3 of 3 VMs recovered; its PITR session is active" in words
    erp = deck.domain(DOMAIN)
    assert erp["mode"] == "pitr_session"
    assert erp["owner"] == "local"
    assert erp["session"]["state"] == "active"
    assert erp["session"]["unprotected_s"] >= 0
    assert all(vm["ready"] for vm in erp["vms"])
    assert all(recovery.networks(vm) == ["VM Network"] for vm in VMS)
    assert all(protected_vcenter.power(vm) == "on" for vm in VMS), "Force must not touch the protected site"

    offered = deck.json("pitr", "points", DOMAIN)
    assert [p["kind"] for p in offered["points"]] == ["entry", "foreign", "foreign", "foreign"]
    assert offered["excluded"][0]["to"] is None

    deck.run("pitr", "run", DOMAIN, "--to", show(points[1]), "--wait")
    assert {recovery.standing_on(vm) for vm in VMS} == {"replica 1"}
    erp = deck.domain(DOMAIN)
    assert erp["session"]["rolled_back_to"] == show(points[1])
    assert all(vm["power"] == "on" for vm in erp["vms"])

    deck.run("pitr", "run", DOMAIN, "--to", show(points[0]), "--wait")
    assert {recovery.standing_on(vm) for vm in VMS} == {"replica 0"}

    late = deck.run("pitr", "run", DOMAIN, "--to", "-0.1s", code=3)
    assert "PITR session was active" in late.stderr

    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    erp = deck.domain(DOMAIN)
    assert erp["mode"] == "running_in_failover"
    assert erp["session"] is None
    assert erp["operation"] is None
    assert len(erp["excluded"]) == 1
    assert {recovery.standing_on(vm).startswith(("replica 0", "drdeck-")) for vm in VMS} == {True}

    tasks = deck.json("tasks")["operations"]
    assert [t["state"] for t in tasks] == ["done"] * 5
    done = deck.json("audit", "verify")
    assert done["sound"] is True
    kinds = [json.loads(line)["kind"] for line in deck.run("audit", "export").stdout.splitlines()]
    assert kinds.count("accepted") == 5
    starts = [
        line
        for line in deck.run("audit", "export").stdout.splitlines()
        if '"kind":"intent"' in line and "start PITR session" in line
    ]
    assert len(starts) == 1, "the session starts exactly once"
