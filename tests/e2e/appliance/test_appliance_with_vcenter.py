"""An appliance whose VMs are in a vCenter: followed by command line, guarded, added, and examined."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.config.settings import JetStreamSettings
from drdeck.config.settings_file import load
from tests.support.appliance.sample import DOMAIN_ID, sound
from tests.support.appliance.session_check import known_at
from tests.support.appliance.stand_in import CERTIFICATE, Reply, StandIn
from tests.support.appliance.watching import appliance_settings
from tests.support.command_line.command_tree import commands
from tests.support.deck import SITE, Deck
from tests.support.vcenter.flow import Flow, MakeFlow, eventually
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter

DB, APP = "erp-db01", "erp-app01"
TOOL = "VSPHERE.LOCAL\\jetstream"


@pytest.fixture
def appliance(recovery: VCenter) -> Iterator[StandIn]:
    service = StandIn()
    service.accepts = known_at(recovery)
    yield service
    service.stop()


def vms_of(recovery: VCenter) -> list[dict[str, str]]:
    """One by its instance uuid, one by that of its BIOS, one that is in no vCenter."""
    db, app = recovery.vm(DB), recovery.vm(APP)
    return [
        {"id": "1", "uuid": db.config.instanceUuid, "name": DB, "status": "RECOVERABLE"},
        {"id": "2", "uuid": app.config.uuid.upper(), "name": APP, "status": "RECOVERABLE"},
        {"id": "3", "uuid": "00000000-1111-2222-3333-444444444444", "name": "lost01", "status": "ODD"},
    ]


@pytest.fixture
def flow(make_flow: MakeFlow, recovery: VCenter, appliance: StandIn) -> Iterator[Flow]:
    new_flow = make_flow(recovery, None)
    with new_flow.deck.config.open("a") as file:
        file.write(appliance_settings(appliance, SITE, extra=f"accounts = ['{TOOL}']"))
    appliance.say(DOMAIN_ID, sound(protectedVms=vms_of(recovery), criticalAlerts=[]))
    yield new_flow
    new_flow.deck.run("--site", "msa", "controller", "stop", "--force", code=None)


def domain_json(flow: Flow) -> dict[str, Any]:
    return flow.deck.json("--site", "msa", "show", "erp-prod")


def alarms(flow: Flow, kind: str) -> list[dict[str, Any]]:
    return [alarm for alarm in domain_json(flow)["alarms"] if alarm["kind"] == kind]


def test_the_guard_watches_the_vms_of_a_running_operation(flow: Flow, recovery: VCenter) -> None:
    eventually(lambda: [a for a in alarms(flow, "not_guarded") if "of lost01:" in a["text"]])
    vms = {vm["name"]: vm for vm in domain_json(flow)["vms"]}
    assert vms[DB]["power"] == vms[APP]["power"] == "off" and vms["lost01"]["power"] == "unknown"
    assert vms[DB]["restore_points"] == 3
    Somebody(recovery, "CORP\\mallory", "10.0.0.66").make_snapshot(DB)
    Somebody(recovery, TOOL, "10.0.0.5").make_snapshot(APP, "by the appliance")
    Somebody(recovery, "CORP\\eve", "10.0.0.67").make_snapshot(APP)
    eventually(lambda: len(alarms(flow, "foreign_snapshot")) >= 2)
    foreign = alarms(flow, "foreign_snapshot")
    assert {(a["vm"], a["user"]) for a in foreign} == {(DB, "CORP\\mallory"), (APP, "CORP\\eve")}
    texts = [a["text"] for a in foreign]
    assert all("made the snapshot" in text for text in texts), texts
    lines = flow.deck.run("--site", "msa", "audit", "export").stdout
    assert "mallory" in lines and '"site_step"' in lines and "Recover VMs' data" in lines


def test_watch_until_the_operation_is_over(flow: Flow, appliance: StandIn, recovery: VCenter) -> None:
    assert domain_json(flow)["session"]["state"] == "rolling_back"
    over = sound(step="COMPLETE", progress=100, protectedVms=vms_of(recovery), criticalAlerts=[])
    timer = threading.Timer(0.2, lambda: appliance.say(DOMAIN_ID, over))
    timer.start()
    done = flow.deck.run("--site", "msa", "watch", "erp-prod", "--until", "unknown", "--timeout", "60")
    timer.join()
    lines = done.stdout.splitlines()
    assert "PITR in progress" in lines[0] and "unprotected 00:00:" in lines[0]
    assert "7/10 Recover VMs' data from Storage Site 31%" in lines[0]
    assert "PITR complete" in lines[-1]
    assert alarms(flow, "session_not_told")


def test_acts_are_refused_with_3(flow: Flow) -> None:
    vendor = "the vendor has published no call for this: use its own screen"
    acts = list(acting_commands())
    assert len(acts) >= 12, "every act that there is, those that will be added too"
    plan = ["plan", "run", "all", "--type=force", "--confirm", "all 1"]
    for words in (*acts, ["pitr", "points", "erp-prod"], plan):
        refusal = flow.deck.run("--site", "msa", *words, code=3).stderr
        assert vendor in refusal, (words, refusal)
    assert flow.deck.json("--site", "msa", "tasks")["operations"] == []


def acting_commands() -> Iterator[list[str]]:
    """A line for each command that asks for an act on a domain: they are those that can be rehearsed."""
    needed = {"domain": "erp-prod", "type_": "--type=force", "kind": "--type=force", "to": "--to=-5m"}
    extra = {"drdeck cfo remap": ["--network", "a=b"]}
    for path, command in commands():
        options = {name for option in command.params for name in option.opts}
        of_one_domain = all(option.name not in ("plan", "run") for option in command.params)
        # leftovers lists them, unless a VM is named
        if "--dry-run" in options and of_one_domain and path != "drdeck test leftovers":
            words = [needed[option.name or ""] for option in command.params if option.required]
            consent = ["--confirm", "erp-prod"] if "--confirm" in options else []
            yield [*path.split()[1:], *words, *extra.get(path, []), *consent]


def test_until_idle_is_until_the_appliance_is(flow: Flow, appliance: StandIn, recovery: VCenter) -> None:
    """No operation of drdeck's runs, and still the domain is not idle while the vendor's does."""
    msa = ("--site", "msa", "watch")
    for words in (("erp-prod", "--until", "idle"), ("--until", "idle")):
        assert "did not reach idle" in flow.deck.run(*msa, *words, "--timeout", "0.5", code=7).stderr
    appliance.say(DOMAIN_ID, sound(step="COMPLETE", progress=100, protectedVms=vms_of(recovery)))
    flow.deck.run(*msa, "--until", "idle", "--timeout", "60")
    head, row = flow.deck.run("--site", "msa", "domains").stdout.splitlines()
    assert row[head.index("PITR") :].split()[0] == "on", "how far back is not told"


def test_a_session_that_vcenter_has_ended(flow: Flow, recovery: VCenter, appliance: StandIn) -> None:
    """As after half an hour without use: drdeck logs in again, and nobody is told."""
    before = domain_json(flow)["seen_at"]
    requests = appliance.count()
    recovery.expire_sessions()
    eventually(lambda: appliance.count() > requests + 2)
    eventually(lambda: flow.deck.run("--site", "msa", "domains", code=None).returncode == 0)
    assert domain_json(flow)["seen_at"] >= before


def test_the_doctor_on_all_of_it(flow: Flow, appliance: StandIn) -> None:
    eventually(lambda: alarms(flow, "not_guarded"))
    findings = flow.deck.json("--site", "msa", "doctor", code=None)["findings"]
    levels = {f["subject"]: (f["level"], f["text"]) for f in findings}
    assert levels["appliance"][0] == levels["session"][0] == levels[f"domain {DOMAIN_ID}"][0] == "ok"
    assert levels["appliance certificate"][1].startswith('trusted by ca_file: of "drdeck test appliance"')
    assert levels["vCenter certificate"][0] == "ok"
    assert levels["guard"] == ("warn", f"2 of 3 VMs are found by uuid under {flow.root}")
    assert levels["password"][1] == "no password_command; DRDECK_PASSWORD_DR_WEST is set"
    appliance.instead = Reply(status=404)
    findings = flow.deck.json("--site", "msa", "doctor", code=1)["findings"]
    assert ("fail", "the appliance knows no such domain") in {(f["level"], f["text"]) for f in findings}


def test_sites_add(make_flow: MakeFlow, recovery: VCenter, appliance: StandIn) -> None:
    flow = make_flow(recovery, None)
    deck = flow.deck
    appliance.say(DOMAIN_ID, sound(protectedVms=vms_of(recovery)))
    words = ["sites", "add", "--kind", "jetstream", "--name", "msa", "--url", appliance.url]
    words += ["--domain", DOMAIN_ID, "--ca-file", str(CERTIFICATE)]
    assert "is no vSphere site in this file (known: dr-west)" in said_by(deck, *words, "--vcenter", "west")
    assert "--vcenter instead of" in said_by(deck, *words, "--vcenter", SITE, "--root", "/DC0/vm/x")
    before = deck.config.read_text()
    appliance.instead = Reply(status=500)
    assert "answers with the error 500" in said_by(deck, *words, "--vcenter", SITE, code=5)
    assert deck.config.read_text() == before, "it is written only if it answers"
    appliance.instead = None
    message = deck.run(*words, "--vcenter", SITE).stderr
    assert "msa answers: 1 Protected Domains" in message
    site = load(deck.config).site("msa")
    assert isinstance(site, JetStreamSettings) and site.vcenter_site == SITE and site.domains == (DOMAIN_ID,)
    assert deck.config.read_text().startswith(before.rstrip())
    kinds = {s["name"]: s["kind"] for s in deck.json("sites")["sites"]}
    assert kinds["msa"] == "jetstream"


def said_by(deck: Deck, *words: str, code: int = 2) -> str:
    return deck.run(*words, code=code).stderr


def test_a_vcenter_of_its_own(tmp_path: Path, recovery: VCenter, appliance: StandIn) -> None:
    root = recovery.layout({"erp": [DB]})
    appliance.say(DOMAIN_ID, sound())
    table = f"""
[sites.msa.vcenter]
url = "{recovery.url}"
username = "{recovery.user}"
ca_file = "{recovery.ca_file}"
root = "{root}"
"""
    text = appliance_settings(appliance, "x").replace('vcenter = "x"\n', "") + table
    deck = Deck(tmp_path, 'default_site = "msa"\n' + text, {"DRDECK_PASSWORD_MSA": recovery.password})
    try:
        assert deck.json("domains")["domains"][0]["mode"] == "pitr_session"
        assert deck.json("domains")["domains"][0]["owner"] == "unknown"
    finally:
        deck.stop()
