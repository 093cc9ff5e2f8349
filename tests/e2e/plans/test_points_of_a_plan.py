"""The check of a plan has the restore points of all its domains together: alone each might have the time."""

from __future__ import annotations

import json

from tests.support.deck import SITE
from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.vcsim import VCenter

DOMAINS = {name: [f"{name}-{n}" for n in range(3)] for name in ("crm", "erp", "web")}
PITR = 'enabled = true, window = "1h", interval = "{}"'
TOGETHER = "Once all have failed over, the points of {} VMs in {} domains, "


ONE = f"""
[sites.{SITE}.plans.one]
waves = [{{ name = "only", domains = ["erp"] }}]
"""


def says(flow: Flow, plan: str = "all") -> str:
    words = ("plan", "check", plan, "--type", "force", "--json")
    check = json.loads(flow.deck.run(*words, code=None).stdout)
    assert set(check["room"]) <= set(check["says"])
    return " ".join(check["room"])


def test_what_does_not_fit_together(make_flow: MakeFlow, recovery: VCenter) -> None:
    """6 VMs take 7.5 s of every 6 s at 5 s for a point and its removal, eight at a time; 3 VMs take 3.8 s."""
    tables = "".join(settings(name, pitr=PITR.format("6s")) for name in DOMAINS)
    flow = make_flow(recovery, None, DOMAINS, tables + ONE)
    flow.start("erp")
    assert "points" not in says(flow)
    flow.start("crm")
    assert TOGETHER.format(6, 2) in says(flow), "web cannot begin, and is not counted"
    assert "a point of 6 VMs is to be removed here" in says(flow)
    assert "points" not in says(flow, "one"), "crm does not run here"
    flow.complete("force", "--wait", domain="crm")
    assert TOGETHER.format(6, 2) in says(flow, "one"), "crm runs here"
