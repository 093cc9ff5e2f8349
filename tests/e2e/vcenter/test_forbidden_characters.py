"""Texts in a vCenter that XML forbids: every one of them is borne, and the names stay apart."""

from __future__ import annotations

import pytest

from drdeck.model.times import show
from tests.support.vcenter.flow import MakeFlow, settings
from tests.support.vcenter.vcsim import VCenter

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
