"""Regular failover, the runbook, group points while owned, and sessions by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drdeck.model.times import show
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, group, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

DELAY_S = 1.5


def ours(flow: Flow, vm: str) -> list[str]:
    return [name for name in flow.names(vm) if name.startswith("drdeck-")]


def test_refused_while_they_run_then_by_runbook(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    runbook = group("database", ["erp-db*"], f"{DELAY_S}s") + group("application", ["erp-app*"])
    flow = make_flow(recovery, protected_vcenter, toml=settings(runbook=runbook))
    flow.start()
    assert "3 VMs still run" in flow.refused("cfo", "complete", DOMAIN, "--type", "regular")
    for vm in VMS:
        protected_vcenter.power_off(vm)

    ident = flow.complete("regular", "--wait")
    domain = flow.show()
    assert domain["mode"] == "running_in_failover" and domain["owner"] == "local"
    assert domain["operation"] is None and domain["session"] is None
    assert flow.session_starts() == 0, "a box that is not ticked starts no session"
    intents = [e["data"]["says"] for e in flow.journal("intent") if e["data"]["operation"] == ident]
    assert intents[-1] == f"let {DOMAIN} run in failover"

    powered = {
        event.vm.name: event.createdTime
        for event in recovery.content.eventManager.QueryEvents(recovery.event_filter("VmPoweredOnEvent"))
        if event.vm.name in VMS
    }
    in_order = sorted(powered, key=lambda vm: powered[vm])
    assert in_order == ["erp-db01", "erp-app01", "erp-web01"]
    assert powered["erp-app01"] - powered["erp-db01"] >= timedelta(seconds=DELAY_S)
    assert flow.operation(ident)["result"]["runbook:database"] == "Success"


def test_points_while_owned_and_sessions_by_hand(make_flow: MakeFlow, recovery: VCenter) -> None:
    toml = settings(pitr='enabled = true, window = "3d", interval = "1s"')
    points = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=m) for m in (30, 20)]
    flow = make_flow(recovery, None, toml=toml, points=points)
    flow.start()
    assert not ours(flow, VMS[0]), "no point is made before this site owns the domain"
    flow.complete("regular", "--wait")
    eventually(lambda: all(len(ours(flow, vm)) >= 2 for vm in VMS))
    shared = set.intersection(*(set(ours(flow, vm)) for vm in VMS))
    assert shared, "a group point has one name over all VMs"

    ident = flow.deck.run("pitr", "start", DOMAIN, "--wait").stdout.strip()
    assert flow.show()["session"]["id"] == ident
    before = flow.truth()
    offered = flow.deck.json("pitr", "points", DOMAIN)["points"]
    assert {p["kind"] for p in offered} == {"entry", "group", "foreign"}
    times = [datetime.fromisoformat(p["time"]) for p in offered]
    assert times == sorted(times, reverse=True), "newest first"
    # three intervals of the session's own clock: it stays as it is
    flow.until(lambda d: d["session"]["unprotected_s"] > 3)
    assert flow.truth() == before, "no point is made or pruned during a session"

    refusal = flow.refused("pitr", "exit", DOMAIN)
    assert DOMAIN in refusal and "resets" not in refusal
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    domain = flow.show()
    assert domain["mode"] == "running_in_failover" and len(domain["excluded"]) == 1
    assert "reset" not in recovery.attributes(DOMAIN)["drdeck.pitr"], "a session by hand resets nothing"
    entry = next(p["time"] for p in offered if p["kind"] == "entry")
    assert all(f"drdeck-{entry}" not in flow.names(vm) for vm in VMS)

    # now for one VM of them
    flow.deck.run("pitr", "start", DOMAIN, "--vm", "erp-db01", "--wait")
    assert "not in the PITR session" in flow.refused(
        "pitr", "run", DOMAIN, "--to", show(points[0]), "--vm", "erp-app01"
    )
    flow.refused("pitr", "run", DOMAIN, "--to", show(points[0]), "--vm", "erp-xx01", code=2)
    others = {vm: recovery.snapshots(vm) for vm in VMS if vm != "erp-db01"}
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(points[1]), "--wait")
    assert flow.standing()["erp-db01"] == "replica 1"
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    assert {vm: recovery.snapshots(vm)[: len(s)] for vm, s in others.items()} == others
    domain = flow.show()
    assert len(domain["excluded"]) == 2
    inside = datetime.fromisoformat(domain["excluded"][0]["from"]) + timedelta(seconds=1)
    flow.deck.run("pitr", "start", DOMAIN, "--wait")
    assert "PITR session was active" in flow.refused("pitr", "run", DOMAIN, "--to", show(inside))


def test_pruned_by_window_and_by_chain(make_flow: MakeFlow, recovery: VCenter) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    toml = settings(pitr='enabled = true, window = "4s", interval = "1s", keep = 31')
    flow = make_flow(recovery, None, {DOMAIN: ["erp-db01"]}, toml, [now - timedelta(hours=1)])
    flow.start()
    flow.complete("regular", "--wait")
    every_name: set[str] = set()

    def first_is_gone() -> bool:
        names = ours(flow, "erp-db01")
        every_name.update(names)
        return len(every_name) > 3 and min(every_name) not in names

    eventually(first_is_gone)
    assert "replica 0" in flow.names("erp-db01"), "what others made stays"
    flow.stop()

    # a chain that is too long is cut at its oldest point of ours, although the window is not over
    for i in range(31 - len(flow.names("erp-db01"))):
        recovery.make_snapshot("erp-db01", f"drdeck-{show(now - timedelta(hours=2, minutes=-i))}")
    oldest = min(ours(flow, "erp-db01"))
    config = flow.deck.config
    config.write_text(config.read_text().replace('window = "4s"', 'window = "3d"'))
    eventually(lambda: flow.show() and oldest not in flow.names("erp-db01"))
    assert len(flow.names("erp-db01")) <= 31
