"""Rolling back: some VMs, VMs without a point, and VMs that fail on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drdeck.model.times import show
from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

NO_ROOM = "Insufficient resources to satisfy HA."
NO_DISK = "The parent virtual disk was modified."


@pytest.fixture
def in_session(make_flow: MakeFlow, recovery: VCenter) -> Flow:
    """A forced failover with its session active; erp-web01 has a late first point only."""
    flow = make_flow(recovery, None, toml=settings(extra='ready_timeout = "30s"'))
    recovery.remove_snapshot("erp-web01", "replica 0")
    flow.start()
    flow.complete("force", "--run-pitr", "--wait")
    return flow


def test_partial_and_missing_and_newest_at_or_before(in_session: Flow, recovery: VCenter) -> None:
    flow, points = in_session, in_session.points
    refusal = flow.refused("pitr", "run", DOMAIN, "--to", show(points[0]))
    assert "erp-web01" in refusal and "erp-db01" not in refusal and "no restore point at or before" in refusal
    one_vm = ("--vm", "erp-web01")
    refusal = flow.refused("pitr", "run", DOMAIN, "--to", show(points[0]), *one_vm)
    assert "erp-web01" in refusal, "the point covers no VM that was chosen"
    offered = flow.deck.json("pitr", "points", DOMAIN)["points"]
    oldest = offered[-1]
    assert oldest["time"] == show(points[0]) and oldest["missing"] == ["erp-web01"] and oldest["vms"] == 2

    between = points[0] + timedelta(minutes=5)
    started_at = {vm: flow.standing()[vm] for vm in VMS}
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(between), "--vm", "erp-db01", "--wait")
    standing = flow.standing()
    assert standing["erp-db01"] == "replica 0", "the newest at or before"
    assert {vm: standing[vm] for vm in VMS[1:]} == {vm: started_at[vm] for vm in VMS[1:]}
    domain = flow.show()
    assert {vm["name"]: vm["rolled_back_to"] for vm in domain["vms"]} == {
        "erp-db01": show(between), "erp-app01": None, "erp-web01": None,
    }  # fmt: skip
    assert flow.power() == {"on"}

    # to the very instant, to a fraction before it, and back to the state on entry
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(points[2]), "--wait")
    assert set(flow.standing().values()) == {"replica 2"}
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(points[2] - timedelta(milliseconds=1)), "--wait")
    assert set(flow.standing().values()) == {"replica 1"}
    flow.deck.run("pitr", "run", DOMAIN, "--to", offered[0]["time"], "--wait")
    assert offered[0]["kind"] == "entry"
    assert set(flow.standing().values()) == {f"drdeck-{offered[0]['time']}"}


def test_vms_that_fail_are_shown_and_can_be_tried_again(in_session: Flow, recovery: VCenter) -> None:
    flow, to = in_session, show(in_session.points[1])
    recovery.fail_revert("erp-app01", text=NO_DISK)
    recovery.fail_power_on("erp-db01", text=NO_ROOM)
    ident = flow.deck.run("pitr", "run", DOMAIN, "--to", to, "--wait", code=4).stdout.strip()
    domain = flow.show()
    assert domain["operation"] == ident
    assert NO_DISK.rstrip(".") in domain["question"]["text"]
    assert domain["question"]["choices"] == ["retry", "skip"]
    errors = {vm["name"]: vm["error"] for vm in domain["vms"]}
    assert NO_DISK.rstrip(".") in errors.pop("erp-app01") and set(errors.values()) == {None}
    assert flow.power() == {"off"}, "nothing starts before all are rolled back"
    assert domain["session"]["state"] == "rolling_back"
    flow.refused("pitr", "exit", DOMAIN)
    flow.refused("pitr", "run", DOMAIN, "--to", to)

    flow.deck.run("answer", ident, "retry")
    domain = flow.until(lambda d: d["question"] and NO_ROOM.rstrip(".") in d["question"]["text"])
    assert NO_ROOM.rstrip(".") in flow.vm("erp-db01")["error"]
    assert flow.vm("erp-app01")["error"] is None
    flow.deck.run("answer", ident, "retry")
    domain = flow.until(lambda d: d["session"]["state"] == "active")
    assert set(flow.standing().values()) == {"replica 1"} and flow.power() == {"on"}
    assert {vm["error"] for vm in domain["vms"]} == {None}
    assert flow.operation(ident)["state"] == "done"

    # a VM that is given up: the others are rolled back nevertheless
    recovery.fail_power_on("erp-web01", times=-1, text=NO_ROOM)
    ident = flow.deck.run("pitr", "run", DOMAIN, "--to", to, "--wait", code=4).stdout.strip()
    flow.deck.run("answer", ident, "skip")
    domain = flow.until(lambda d: d["session"]["state"] == "active")
    assert {vm["name"]: vm["power"] for vm in domain["vms"]} == {
        "erp-app01": "on", "erp-db01": "on", "erp-web01": "off",
    }  # fmt: skip
    assert NO_ROOM.rstrip(".") in flow.vm("erp-web01")["error"]
    recovery.clear_rules()
    recovery.power_on("erp-web01")
    flow.until(lambda d: all(vm["error"] is None for vm in d["vms"]))
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    domain = flow.until(lambda d: d["operation"] is None)
    assert domain["mode"] == "running_in_failover"
    assert all(not name.startswith("drdeck-2") for vm in VMS for name in flow.names(vm))


def test_times_that_cannot_be_reached(in_session: Flow) -> None:
    flow = in_session
    tomorrow = show(datetime.now(UTC) + timedelta(days=1))
    for to, message, code in (
        ("half past nine", "is not a time", 2),
        ("25:00", "is not a time", 2),
        ("2026-11-22", "is not a time", 2),
        ("", "is not a time", 2),
        (tomorrow, "in the future", 3),
        ("-5d", "before the PITR window", 3),
        ("-0.1s", "PITR session was active", 3),
    ):
        assert message in flow.refused("pitr", "run", DOMAIN, "--to", to, code=code), to
