"""People rename folders and tidy custom attributes away: settings and records are not lost by it."""

from __future__ import annotations

from typing import Any

from drdeck.model.times import show
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter


def alarm(domain: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return next((a for a in domain["alarms"] if a["kind"] == kind), None)


def tidy_away(vcenter: VCenter, *names: str) -> None:
    """Remove the definitions of attributes, and with them the values."""
    manager = vcenter.content.customFieldsManager
    fields: Any = vcenter.read(manager, "field")["field"]
    for field in fields:
        if field.name in names or (not names and field.name.startswith("drdeck.")):
            manager.RemoveCustomFieldDef(key=field.key)


def in_session(make_flow: MakeFlow, recovery: VCenter) -> Flow:
    flow = make_flow(recovery, None)
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    return flow


def test_a_renamed_folder_keeps_its_settings(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V17: settings are tied to the folder once it was seen, over restarts too."""
    flow = make_flow(recovery, None, toml=settings(pitr='enabled = true, window = "5d"'))
    assert flow.show()["pitr"]["window_s"] == 5 * 86400
    recovery.rename(recovery.folder(DOMAIN), "erp-neu")
    for _ in range(2):
        eventually(lambda: flow.deck.run("show", "erp-neu", code=None).returncode == 0)
        domain = flow.until(lambda d: alarm(d, "folder_renamed"), "erp-neu")
        assert domain["pitr"]["enabled"] and domain["pitr"]["window_s"] == 5 * 86400
        renamed = alarm(domain, "folder_renamed")
        assert renamed is not None and f'from "{DOMAIN}" to "erp-neu"' in renamed["text"]
        flow.kill()
    recovery.rename(recovery.folder("erp-neu"), DOMAIN)
    eventually(lambda: flow.deck.run("show", DOMAIN, code=None).returncode == 0)
    flow.until(lambda d: alarm(d, "folder_renamed") is None)


def test_a_removed_record_is_an_alarm_and_written_back(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V17: all values go with their definitions."""
    flow = in_session(make_flow, recovery)
    before = recovery.attributes(DOMAIN)
    session = flow.show()["session"]["id"]
    tidy_away(recovery)
    domain = flow.until(lambda d: alarm(d, "record_removed"))
    removed = alarm(domain, "record_removed")
    assert removed is not None and removed["severity"] == "critical"
    assert "drdeck.mode, drdeck.failover, drdeck.session" in removed["text"]
    assert f'drdeck record restore "{DOMAIN}"' in removed["text"]
    refusal = flow.refused("pitr", "run", DOMAIN, "--to", show(flow.points[1]))
    assert "somebody removed" in refusal
    flow.kill()
    assert "must be confirmed with the name of the domain" in flow.refused("record", "restore", DOMAIN)
    flow.deck.run("record", "restore", DOMAIN, "--confirm", DOMAIN, "--wait")
    domain = flow.until(lambda d: d["session"])
    assert domain["session"]["id"] == session and alarm(domain, "record_removed") is None
    after = recovery.attributes(DOMAIN)
    assert {k: v for k, v in after.items() if v and k != "drdeck.lease"} == {
        k: v for k, v in before.items() if v and k != "drdeck.lease"
    }
    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    eventually(lambda: flow.show()["mode"] == "running_in_failover")
    assert alarm(flow.show(), "record_removed") is None, "a session that was exited was not removed"
    assert "nobody removed the record" in flow.refused("record", "restore", DOMAIN, "--confirm", DOMAIN)


def test_a_session_alone_that_was_removed_is_noticed(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery)
    tidy_away(recovery, "drdeck.session")
    domain = flow.until(lambda d: alarm(d, "record_removed"))
    removed = alarm(domain, "record_removed")
    assert removed is not None and "somebody removed drdeck.session from" in removed["text"]


def test_what_is_left_and_makes_no_sense_is_no_hindrance(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery)
    session = flow.show()["session"]["id"]
    tidy_away(recovery, "drdeck.failover")  # a session without a failover before it cannot be
    flow.until(lambda d: alarm(d, "record_removed"))
    flow.deck.run("record", "restore", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert flow.until(lambda d: d["session"])["session"]["id"] == session


def test_a_removal_that_was_meant_is_accepted(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    refusal = flow.refused("record", "accept", DOMAIN, "--confirm", DOMAIN)
    assert "there is no removal to accept" in refusal
    tidy_away(recovery)
    domain = flow.until(lambda d: alarm(d, "record_removed"))
    removed = alarm(domain, "record_removed")
    assert removed is not None and f'drdeck record accept "{DOMAIN}"' in removed["text"]
    assert "must be confirmed with the name of the domain" in flow.refused("record", "accept", DOMAIN)
    flow.deck.run("record", "accept", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert "drdeck.mode" not in recovery.attributes(DOMAIN), "nothing is written for it"
    for _ in range(2):
        domain = flow.show()
        assert domain["mode"] == "imported" and alarm(domain, "record_removed") is None
        flow.kill()
    flow.start()
    assert flow.show()["mode"] == "synchronised", "the domain can be used as if it were new"


def test_an_operation_that_was_open_can_be_ended(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = in_session(make_flow, recovery)
    ident = flow.show()["operation"]
    tidy_away(recovery)
    flow.until(lambda d: alarm(d, "record_removed"))
    flow.deck.run("record", "accept", DOMAIN, "--confirm", DOMAIN, "--wait")
    flow.until(lambda d: alarm(d, "record_removed") is None)
    eventually(
        lambda: (
            "abort" in str(flow.operation(ident).get("question")) or flow.operation(ident)["state"] != "open"
        )
    )
    flow.deck.run("answer", ident, "abort", code=None)
    eventually(lambda: flow.operation(ident)["state"] != "open")
    assert flow.show()["mode"] == "imported"
