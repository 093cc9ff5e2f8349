"""Three rounds of a domain's life by command line, on two vCenters: there, rolled back, released again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from drdeck.model.times import show
from tests.support.vcenter.flow import Flow, MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

ROUNDS = 3
OF_LEASES = ("drdeck.lease", "drdeck.asked", "drdeck.excluded")


def now() -> str:
    return show(datetime.now(UTC))


def other_side_owns(flow: Flow, there: VCenter, ident: str) -> None:
    """The other side's drdeck completes a Planned Failover: VMs off here, its record says so, on there."""
    for vm in VMS:
        flow.recovery.power_off(vm)
    began = {"id": ident, "type": "planned", "began": now(), "since": now(), "recovered": now()}
    there.set_attribute(DOMAIN, "drdeck.failover", json.dumps({**began, "phase": "finished"}))
    for vm in VMS:
        there.power_on(vm)


def other_side_released(there: VCenter) -> None:
    """And gives the domain back: VMs off there, nothing in its record."""
    for vm in VMS:
        there.power_off(vm)
    there.set_attribute(DOMAIN, "drdeck.failover", "")


def kept(flow: Flow) -> dict[str, Any]:
    """What is left of a round here: the kinds of record, who owns the domain, snapshots, power, networks."""
    record = {k for k, v in flow.recovery.attributes(DOMAIN).items() if v and k not in OF_LEASES}
    domain = flow.show()
    return {
        "record": record,
        "mode": domain["mode"],
        "owner": domain["owner"],
        "drdeck's snapshots": [n for vm in VMS for n in flow.names(vm) if n.startswith("drdeck-")],
        "power": flow.power(),
        "networks": {vm: flow.recovery.networks(vm) for vm in VMS},
        "undo": domain["undo"]["possible"],
        "committed_at": domain["committed_at"],
    }


def one_round(flow: Flow, there: VCenter, number: int) -> None:
    deck = flow.deck
    consent = ("--confirm", DOMAIN, "--even-though", "answers")
    if number == 0:  # in two acts
        deck.run("cfo", "start", DOMAIN, "--wait")
        deck.run("cfo", "complete", DOMAIN, "--type", "regular", "--run-pitr", "--wait")
    else:  # in one sitting
        kind = ("regular",) if number == 1 else ("force", *consent)
        deck.run("failover", "run", DOMAIN, "--type", *kind, "--run-pitr", "--wait")
    assert flow.show()["mode"] == "pitr_session" and flow.power() == {"on"}
    points = [p["time"] for p in deck.json("pitr", "points", DOMAIN)["points"] if p["kind"] == "foreign"]
    deck.run("pitr", "run", DOMAIN, "--to", points[0], "--wait")
    standing = set(flow.standing().values())
    assert standing == {f"replica of round {number}" if number else "replica 2"}
    deck.run("pitr", "exit", DOMAIN, "--wait")
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    deck.run("failover", "commit", DOMAIN, "--wait")
    assert "committed at" in flow.refused("failover", "undo", DOMAIN, "--confirm", DOMAIN)

    assert "are not off here" in flow.refused("domain", "release", DOMAIN, "--confirm", DOMAIN)
    steps = deck.json("way-back", DOMAIN)["steps"]
    assert [step["state"] for step in steps][:2] == ["done", "done"], steps
    assert {step["checked_by"] for step in steps} == {"drdeck", "NOT CHECKED"}
    other_side_owns(flow, there, f"op-there{number}")
    flow.until(lambda d: d["way_back"]["owned_there"] and all(vm["power"] == "off" for vm in d["vms"]))
    deck.run("domain", "release", DOMAIN)  # its record says that it owns it: no name is typed
    domain = flow.until(lambda d: d["mode"] == "releasing")
    assert domain["owner"] == "remote" and {m["vm"] for m in domain["way_back"]["missing"]} == set(VMS)
    assert "no restore point since" in deck.run("way-back", DOMAIN).stdout
    assert "driven" not in flow.refused("cfo", "start", DOMAIN)
    for vm in VMS:
        flow.recovery.make_snapshot(vm, f"replica of round {number + 1}")
    deck.run("watch", DOMAIN, "--until", "imported", "--timeout", "60")
    flow.until(lambda d: d["operation"] is None)
    other_side_released(there)
    flow.until(lambda d: not d["way_back"]["owned_there"])


def test_three_rounds_leave_what_each_should(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow: Flow = make_flow(recovery, protected_vcenter)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    networks = {vm: recovery.networks(vm) for vm in VMS}
    left = []
    for number in range(ROUNDS):
        one_round(flow, protected_vcenter, number)
        left.append(kept(flow))
        assert len(flow.show()["excluded"]) == number + 1, "each round's session is excluded for good"
    assert left[0] == left[1] == left[2]
    end = left[-1]
    assert (end["mode"], end["owner"], end["power"]) == ("imported", "remote", {"off"})
    assert end["drdeck's snapshots"] == [] and end["networks"] == networks
    assert end["record"] == {"drdeck.mode", "drdeck.pitr"}
    assert not end["undo"] and end["committed_at"] is None
    ended = flow.deck.json("tasks")["operations"]
    assert {op["state"] for op in ended} == {"done"}
    assert flow.deck.json("audit", "verify")["sound"] is True
