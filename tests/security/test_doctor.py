"""The doctor: settings, controller, site, domains, room; the exit code by the worst."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.support.deck import Deck
from tests.support.vcenter.flow import Flow, MakeFlow, group, settings
from tests.support.vcenter.flowsite import DOMAIN, PASSWORD
from tests.support.vcenter.vcsim import VCenter

REACHES = 'enabled = true, interval = "3h"'
"""A window that the chain of snapshots can hold, so that nothing is to be warned of."""


def findings_by_subject(flow: Flow, code: int | None = None) -> dict[str, list[tuple[str, str, str]]]:
    """What the doctor says, by subject: level, text, remedy."""
    by_subject: dict[str, list[tuple[str, str, str]]] = {}
    for f in flow.deck.json("doctor", code=code)["findings"]:
        by_subject.setdefault(f["subject"], []).append((f["level"], f["text"], f["remedy"] or ""))
    return by_subject


def test_all_is_well(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    runbook = group("database", ["erp-db*"]) + group("rest", ["erp-app*", "erp-web*"])
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr=REACHES, runbook=runbook))
    by_subject = findings_by_subject(flow, code=0)
    assert {level for lines in by_subject.values() for level, _, _ in lines} == {"ok"}
    assert set(by_subject) - {"logout"} == {
        "terminal", "characters", "settings", "state", "password", "controller", "journal", "site",
        "certificate", "hosts' clocks",
        "protected site", "protected certificate", "clock", "privileges", "protected privileges", "domains",
        f"runbook of {DOMAIN}", f"restore points of {DOMAIN}", f"starts of {DOMAIN}", "datastore LocalDS_0",
    }  # fmt: skip
    assert "VMware vCenter Server" in by_subject["site"][0][1] and recovery.url in by_subject["site"][0][1]
    assert by_subject["password"][0][1] == f"no password_command; {PASSWORD} is set"
    flow.deck.run("doctor", "--strict")


def test_the_exit_code_is_that_of_the_worst(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings(pitr=REACHES) + settings("no-such"))
    assert findings_by_subject(flow, code=0)["domain no-such"][0][0] == "warn"
    flow.deck.run("doctor", "--strict", code=1)
    recovery.deny("VirtualMachine.Interact.PowerOn")
    flow.deck.run("doctor", code=1)


def test_what_is_wrong_with_the_domains(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    runbook = group("database", ["erp-db*", "sql*"]) + group("all", ["erp-*"])
    flow = make_flow(
        recovery,
        protected_vcenter,
        toml=settings(pitr='enabled = true, interval = "15m", keep = 31', runbook=runbook),
    )
    recovery.add_domain("lonely")
    flow.start()
    network_id = next(n._moId for n in recovery.datacenter.network if n.name == "DC0_DVPG0")
    recovery.set_attribute(DOMAIN, "drdeck.networks", f'{{"{network_id}":"dvportgroup-4711"}}')
    recovery.set_room("LocalDS_0", free=50_000_000_000, capacity=1_000_000_000_000)
    by_subject = findings_by_subject(flow, code=1)
    assert [text for _, text, _ in by_subject[f"runbook of {DOMAIN}"]] == [
        'the pattern "sql*" of group "database" matches no VM',
        'erp-db01 is in group "database", which starts it, and again in "all"',
    ]
    [(level, text, remedy)] = by_subject[f"networks of {DOMAIN}"]
    assert level == "fail" and '"DC0_DVPG0" is mapped to the network dvportgroup-4711' in text
    assert '--network "DC0_DVPG0=NAME"' in remedy
    [(level, text, remedy)] = by_subject[f"restore points of {DOMAIN}"]
    assert level == "warn" and "points every 15m reach back 7h, and not the window of 3d" in text
    assert remedy == "set interval to 155m or more, or window to 7h"
    [(level, text, _)] = by_subject["datastore LocalDS_0"]
    assert level == "warn" and text.startswith("50.0 GB of 1.00 TB free; snapshots of erp-prod grow there")
    assert "no folder /DC0/vm/prod/lonely" in by_subject["domain lonely"][0][1]


def test_a_site_out_of_reach_still_shows_its_certificate(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.env[PASSWORD] = "wrong"
    by_subject = findings_by_subject(flow, code=1)
    assert by_subject["site"][0][0] == "fail" and "user name and password" in by_subject["site"][0][1]
    assert by_subject["certificate"][0][0] == "ok" and recovery.thumbprint in by_subject["certificate"][0][1]
    assert "privileges" not in by_subject
    recovery.stop()
    by_subject = findings_by_subject(flow, code=1)
    assert by_subject["site"][0][0] == "fail" and "shows none now" in by_subject["certificate"][0][1]


def test_a_protected_site_out_of_reach_is_a_warning(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """A disaster is no mistake: a Force Failover does without it."""
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr=REACHES))
    protected_vcenter.stop()
    by_subject = findings_by_subject(flow, code=0)
    assert (
        by_subject["protected site"][0][0] == "warn"
        and "Force Failover" in by_subject["protected site"][0][2]
    )
    assert by_subject["privileges"][0][0] == "ok" and "protected privileges" not in by_subject


def test_a_journal_that_was_changed(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings(pitr=REACHES))
    flow.start()
    with sqlite3.connect(flow.deck.state / "dr-west" / "journal.db") as journal:
        journal.execute("UPDATE events SET actor = 'nobody' WHERE id = 2")
    lines = findings_by_subject(flow, code=1)["journal"]
    assert lines[0][0] == "fail" and "event 2 was changed after it was written" in lines[0][1]


def test_two_sites_with_one_variable(tmp_path: Path) -> None:
    vcenter = 'kind = "vsphere"\nurl = "https://vc/sdk"\nusername = "u"\nroot = "/DC0/vm/x"\n'
    deck = Deck(tmp_path, f"[sites.a-b]\n{vcenter}[sites.a_b]\n{vcenter}")
    try:
        findings = deck.json("doctor")["findings"]
        [finding] = [f for f in findings if f["level"] == "warn" and f["subject"] == "settings"]
        assert "a-b and a_b would come from the same variable DRDECK_PASSWORD_A_B" in finding["text"]
    finally:
        deck.stop()
