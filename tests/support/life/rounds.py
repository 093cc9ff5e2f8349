"""What one round of a domain's life is, and what it leaves; for whoever goes it, by whatever means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from drdeck.model.times import show
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

ROUNDS = 3
OF_LEASES = ("drdeck.lease", "drdeck.asked", "drdeck.excluded")


def other_side_owns(flow: Flow, there: VCenter, ident: str) -> None:
    """The other side's drdeck completes a Planned Failover: VMs off here, its record says so, on there."""
    for vm in VMS:
        if flow.recovery.power(vm) == "on":
            flow.recovery.power_off(vm)
    now = show(datetime.now(UTC))
    began = {"id": ident, "type": "planned", "began": now, "since": now, "recovered": now}
    there.set_attribute(DOMAIN, "drdeck.failover", json.dumps({**began, "phase": "finished"}))
    for vm in VMS:
        there.power_on(vm)


def other_side_released(there: VCenter) -> None:
    """And gives the domain back: VMs off there, nothing in its record."""
    for vm in VMS:
        there.power_off(vm)
    there.set_attribute(DOMAIN, "drdeck.failover", "")


def replicate(flow: Flow, number: int) -> None:
    """The tool brings a point of each VM: the replicas of the round with that number."""
    for vm in VMS:
        flow.recovery.make_snapshot(vm, f"replica of round {number}")


def kept(tests: TrialFlow) -> dict[str, Any]:
    """What is left of a round here: the kinds of record, who owns the domain, snapshots, power, networks."""
    flow = tests.flow
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
        "tested": domain["tested"]["result"],
        "test": domain["test"],
        "test VMs": tests.clones(),
    }


def check_left(tests: TrialFlow, left: list[dict[str, Any]], networks: dict[str, list[str]]) -> None:
    """Each round left the same, and that is what it should leave; `networks`: of the VMs before the first."""
    assert left[0] == left[1] == left[2]
    end = left[-1]
    assert (end["mode"], end["owner"], end["power"]) == ("imported", "remote", {"off"})
    assert end["drdeck's snapshots"] == [] and end["networks"] == networks
    assert end["record"] == {"drdeck.mode", "drdeck.pitr", "drdeck.tested"}
    assert not end["undo"] and end["committed_at"] is None
    assert (end["tested"], end["test"], end["test VMs"]) == ("passed", None, [])
    destroyed = rehearsing.destroyed(tests.recovery)
    assert len(destroyed) == ROUNDS * len(VMS) and all(gone.shared == () for gone in destroyed)
    states = {op["state"] for op in tests.flow.deck.json("tasks")["operations"]}
    assert states == {"done"}
    assert tests.flow.deck.json("audit", "verify")["sound"] is True
