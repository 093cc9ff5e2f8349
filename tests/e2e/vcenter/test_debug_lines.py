"""The debug lines of a controller that drives domains of a vCenter: each place that a successor looks for."""

from __future__ import annotations

import re

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

PLACES = (
    r"controller\.site_watcher: view \d+ taken: the site has changed",
    rf"controller\.operation_loop: op-\w+ of {DOMAIN}: \d+ due: ",
    r"controller\.executor: op-\w+: .+: done after \d+ ms",
    r"sites\.vsphere\.vcenter\.transport: SetField sent to \S+",
    r"sites\.vsphere\.vcenter\.transport: SetField answered after \d+ ms",
    r"sites\.vsphere\.record\.leases\.lease: lease 1 of \S+ taken",
    r"sites\.vsphere\.guard\.session_guard: foreign_power of vm-\d+ \(by \w+, user .+\): judged drdeck's",
    r"sites\.vsphere\.guard\.session_guard: foreign_snapshot of vm-\d+ \(by \w+, user .+\): judged of others",
)


def test_each_place_has_its_line(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {DOMAIN: ["vm00"]}, settings())
    flow.deck.env["DRDECK_LOG"] = "debug"
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    log = next(flow.deck.state.glob("*/controller.log"))
    Somebody(recovery, "j.doe@corp.example", "10.0.0.7").make_snapshot("vm00")
    eventually(lambda: "judged of others" in log.read_text("utf-8"))
    point = flow.deck.json("pitr", "points", DOMAIN)["points"][-1]["time"]
    flow.deck.run("pitr", "run", DOMAIN, "--to", point, "--wait")
    eventually(lambda: "judged drdeck's" in log.read_text("utf-8"))
    logged = flow.deck.run("logs").stdout
    assert [place for place in PLACES if not re.search(f" DEBUG drdeck\\.{place}", logged)] == []
    assert "Cookie" not in logged and "vmware_soap_session" not in logged
