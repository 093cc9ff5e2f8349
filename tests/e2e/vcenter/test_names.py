"""Names as people give them, domains without VMs, VMs without snapshots, and names that two share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drdeck.model.times import show
from tests.support.vcenter.flow import MakeFlow, eventually, group, settings
from tests.support.vcenter.vcsim import VCenter

ODD = 'ERP / Prüfung [bold] "x" 50%'
ODD_VMS = ["db [1]", "web/über 'q'", "日本語 %2f \\ [/bold]", "shared"]


def test_odd_names_and_shared_ones(make_flow: MakeFlow, recovery: VCenter) -> None:
    runbook = group("first [x]", [ODD_VMS[0]], domain=ODD)
    flow = make_flow(
        recovery, None, {ODD: ODD_VMS, "other": ["shared"]}, settings(ODD, runbook=runbook), points=None
    )
    listed = flow.deck.json("domains")["domains"]
    assert [d["name"] for d in listed] == sorted([ODD, "other"])
    assert ODD in flow.deck.run("domains").stdout
    flow.start(ODD)
    elsewhere = recovery.snapshots(("other", "shared"))
    flow.complete("force", "--run-pitr", "--wait", domain=ODD)
    assert [vm["name"] for vm in flow.show(ODD)["vms"]] == sorted(ODD_VMS)
    assert flow.operation(flow.show(ODD)["operation"])["state"] == "open"
    started = [e["data"]["says"] for e in flow.journal("intent") if "power on" in e["data"]["says"]]
    assert started[0] == f"power on {ODD_VMS[0]}", "a name in brackets is matched as it stands"

    words = [w for vm in ODD_VMS[1:] for w in ("--vm", vm)]
    flow.deck.run("pitr", "run", ODD, "--to", show(flow.points[1]), *words, "--wait")
    standing = flow.standing(ODD)
    assert {standing[vm] for vm in ODD_VMS[1:]} == {"replica 1"}
    assert standing[ODD_VMS[0]].startswith("drdeck-")
    plain = flow.deck.run("show", ODD).stdout
    assert all(vm in plain for vm in ODD_VMS)

    # the VM of the same name in the other domain was not touched
    assert recovery.snapshots(("other", "shared")) == elsewhere
    assert recovery.power(("other", "shared")) == "off"
    assert recovery.attributes("other") == {}
    flow.deck.run("pitr", "exit", ODD, "--wait")


def test_no_vm_no_snapshot_and_a_domain_that_grows(make_flow: MakeFlow, recovery: VCenter) -> None:
    both = settings("empty") + settings("young")
    flow = make_flow(recovery, None, {"empty": [], "young": ["old", "new"]}, both)
    assert "has no VM" in flow.refused("cfo", "start", "empty")
    assert flow.show("empty")["vms"] == [] and flow.show("empty")["rpo_s"] is None
    assert flow.deck.json("pitr", "points", "empty") == {"points": [], "excluded": []}
    assert "has no VM" in flow.deck.run("show", "empty").stderr

    for snap in flow.names("new", "young"):
        recovery.remove_snapshot(("young", "new"), snap)
    flow.until(lambda d: d["vms_recoverable"] == 1, "young")
    ident = flow.deck.run("cfo", "start", "young").stdout.strip()
    domain = flow.until(lambda d: d["mode"] == "rehydrating", "young")
    assert (domain["vms_recoverable"], domain["vms_total"]) == (1, 2)
    assert domain["step"]["progress"] == 50 and domain["rpo_s"] is None
    assert {vm["name"]: vm["status"] for vm in domain["vms"]} == {
        "old": "recoverable", "new": "not_recoverable",
    }  # fmt: skip
    assert "no restore point yet: new" in flow.deck.run("show", "young").stdout
    eventually(lambda: "no restore point yet: new" in (flow.operation(ident)["waits_for"] or ""))
    flow.deck.run("watch", "young", "--until", "synchronised", "--timeout", "0.5", code=7)
    assert "not synchronised yet: 1 of 2" in flow.refused(
        "cfo", "complete", "young", "--type", "force", "--confirm", "young"
    )

    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    recovery.make_snapshot(("young", "new"), "first", at)
    domain = flow.until(lambda d: d["mode"] == "synchronised", "young")
    eventually(lambda: flow.show("young")["operation"] is None)
    assert 1190 < domain["rpo_s"] < 1300, "the newest instant that every VM has: that of the other one"
    # and back, when a replica goes out of reach; VMs may come and go on their own
    recovery.set_connection(("young", "old"), "inaccessible")
    domain = flow.until(lambda d: d["mode"] == "rehydrating", "young")
    assert [(a["vm"], a["kind"], a["severity"]) for a in domain["alarms"]] == [
        ("old", "connection", "warning")
    ]
    flow.refused("cfo", "complete", "young", "--type", "regular")
    recovery.set_connection(("young", "old"), "connected")
    domain = flow.until(lambda d: d["mode"] == "synchronised", "young")
    assert domain["alarms"] == []
    recovery.remove_vm(("young", "old"))
    flow.until(lambda d: d["vms_total"] == 1, "young")


RAW, REFERENCE, NONCHARACTER = "db{raw 01}", "db{ref 2}", "web{raw efbfbf}{raw ff}"
SHOWN = ["db␁", "db␂", "web�"]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_failover_of_vms_with_forbidden_characters(
    make_flow: MakeFlow, recovery: VCenter, compressed: bool
) -> None:
    recovery.compress(compressed)
    layout = {"erp{raw 1b}": [RAW, REFERENCE, NONCHARACTER], "erp{ref 0}": ["other"]}
    flow = make_flow(recovery, None, layout, settings("erp␛"))
    assert [d["name"] for d in flow.deck.json("domains")["domains"]] == ["erp␀", "erp␛"]
    flow.start("erp␛")
    flow.complete("force", "--run-pitr", "--wait", domain="erp␛")
    names = [vm["name"] for vm in flow.show("erp␛")["vms"]]
    assert [name.rstrip("�") for name in names] == [name.rstrip("�") for name in SHOWN]
    flow.deck.run("pitr", "run", "erp␛", "--to", show(flow.points[1]), "--vm", "db␂", "--wait")
    assert recovery.standing_on(("erp{raw 1b}", REFERENCE)) == "replica 1"
    assert recovery.standing_on(("erp{raw 1b}", RAW)).startswith("drdeck-")
    flow.deck.run("pitr", "exit", "erp␛", "--wait")
    assert "characters that XML forbids" in flow.deck.log()


def test_an_event_and_a_fault_with_forbidden_characters(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {"erp": ["db"]}, "")
    flow.start("erp")
    recovery.fail_power_on("db", text="No {raw 07}space{ref 1f}{ref D800}.")
    flow.complete("force", "--wait", domain="erp", code=4)
    assert "No ␇space␟�" in flow.deck.run("show", "erp").stdout + flow.deck.run("show", "erp").stderr
