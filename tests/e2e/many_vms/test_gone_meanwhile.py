"""VMs that go from their folder while a failover is in progress: late joiners, never taken for recovered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.vcenter.flow import Flow, MakeFlow, group, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

DB, WEB = ["db0"], ["web0", "web1"]
ELSEWHERE = "elsewhere"


def held_flow(make_flow: MakeFlow, recovery: VCenter, more: str = "", suffix: str = "") -> Flow:
    """A failover whose second group waits for the database, which waits for its power on."""
    runbook = group("database", ["db*"]) + group("web", ["web*"])
    vms = [f"{name}{suffix}" for name in [*DB, *WEB]]
    extra = f'ready_timeout = "60s"\nundo = false\n{more}'
    flow = make_flow(recovery, None, {DOMAIN: vms, ELSEWHERE: []}, settings(extra=extra, runbook=runbook))
    flow.start()
    recovery.slow("PowerOnMultiVM_Task", None, ms=600_000, times=1)
    recovery.slow("PowerOnVM_Task", None, ms=600_000, times=1)
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["step"] or {}).get("label", "").startswith("Execute runbook"))
    return flow


def row(domain: dict[str, Any], vm: str) -> dict[str, Any]:
    return next(row for row in domain["vms"] if row["name"] == vm)


@pytest.mark.parametrize(("more", "suffix"), [("", ""), ('replica_name = "{name}_replica"', "_replica")])
def test_one_that_is_moved_away_and_back(
    make_flow: MakeFlow, recovery: VCenter, more: str, suffix: str
) -> None:
    flow = held_flow(make_flow, recovery, more, suffix)
    recovery.move_vm(f"web1{suffix}", ELSEWHERE)
    flow.until(lambda d: any(a["kind"] == "left_out" and a["vm"] == "web1" for a in d["alarms"]))
    recovery.release()
    domain = flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    assert (domain["vms_recovered"], domain["vms_total"]) == (2, 3)
    assert domain["left_out"] == ["web1"]
    assert recovery.power(f"web1{suffix}") == "off", "it is none of this domain's while it is elsewhere"

    recovery.move_vm(f"web1{suffix}", DOMAIN)
    domain = flow.until(lambda d: d["vms_recovered"] == 3)
    assert domain["left_out"] == []
    assert row(domain, f"web1{suffix}")["status"] == "recovered"
    assert recovery.power(f"web1{suffix}") == "on"


def test_one_that_is_registered_anew_is_the_same_one(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = held_flow(make_flow, recovery)
    recovery.remove_vm("web1")
    recovery.add_vm(DOMAIN, "web1")
    recovery.release()
    domain = flow.until(lambda d: d["vms_recovered"] == 3)
    assert (domain["vms_total"], domain["left_out"]) == (3, [])


def test_nothing_is_decided_while_none_is_left(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = held_flow(make_flow, recovery)
    for vm in [*WEB, *DB]:
        recovery.move_vm(vm, ELSEWHERE)
    recovery.release()
    domain = flow.until(lambda d: any("have gone from its folder" in step["detail"] for step in d["steps"]))
    assert domain["session"] is None
    assert (domain["vms_recovered"], domain["vms_total"]) == (0, 3)
    assert sorted(vm["name"] for vm in domain["vms"]) == [*DB, *WEB]
    for vm in [*DB, *WEB]:
        recovery.move_vm(vm, DOMAIN)
    domain = flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    flow.until(lambda d: d["vms_recovered"] == 3)
