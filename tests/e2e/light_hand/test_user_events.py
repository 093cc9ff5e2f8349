"""Lines in vCenter's own events: what drdeck was asked for, and by whom."""

from __future__ import annotations

from pyVmomi import vim

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

LOG_EVENT = "Global.LogEvent"


def lines(vcenter: VCenter) -> list[str]:
    """The messages of users' own events, oldest first."""
    spec = vim.event.EventFilterSpec(eventTypeId=["GeneralUserEvent"])
    events = vcenter.content.eventManager.QueryEvents(spec) or ()
    return [str(event.message) for event in sorted(events, key=lambda event: event.key)]


def test_from_the_first_request_to_the_exit(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings().replace('ready = "tools"', 'ready = "power"'))
    flow.start()
    flow.complete("force", "--run-pitr", "--wait")
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    flow.deck.run("pitr", "run", DOMAIN, "--to", flow.points[0].isoformat(), "--wait")
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    eventually(lambda: len(lines(recovery)) >= 6, lambda: str(lines(recovery)))
    asker = flow.deck.json("tasks")["operations"][0]["actor"]
    point = flow.points[0].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert lines(recovery) == [
        f"drdeck: {what} asked for by {asker}"
        for what in (
            f"Continuous Failover of {DOMAIN}",
            f"Force Failover of {DOMAIN} with Run PITR",
            f"ownership of {DOMAIN} taken,",
            f"PITR session of {DOMAIN} begun,",
            f"rollback of {DOMAIN} to {point}",
            f"exit of the PITR session of {DOMAIN}",
        )
    ]


def test_without_the_privilege_it_is_told_once_and_nothing_stops(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = make_flow(recovery, None, toml=settings().replace('ready = "tools"', 'ready = "power"'))
    recovery.deny(LOG_EVENT)
    flow.start()
    flow.complete("force", "--wait")
    assert flow.power() == {"on"} and lines(recovery) == []
    eventually(lambda: recovery.calls()["LogUserEvent"] >= 3)
    assert sum(LOG_EVENT in line for line in flow.deck.log().splitlines()) == 1
