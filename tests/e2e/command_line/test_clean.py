"""What drdeck left at a vCenter and on this host is taken away by one command, and nothing besides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drdeck.model.times import show
from tests.support.deck import SITE, Deck
from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


def definitions(vcenter: VCenter) -> set[str]:
    return {str(f.name) for f in vcenter.content.customFieldsManager.field if f.name.startswith("drdeck.")}


def stopped(flow: Flow) -> Flow:
    flow.deck.run("controller", "stop", "--force")
    return flow


class WithoutSettings(Deck):
    """Runs commands as at the first start."""

    @property
    def arguments(self) -> list[str]:
        return ["--state", str(self.state)]


def test_the_record_its_definitions_and_the_state_go(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    recovery.set_attribute(DOMAIN, "owner", "somebody")
    recovery.make_snapshot(VMS[0], "drdeck-2026-01-01T00:00:00Z")
    refused = flow.deck.run("sites", "clean", "--confirm", SITE, code=3)
    assert "controller stop" in refused.stderr, "a controller that runs would write it again"
    stopped(flow)
    before = {vm: recovery.snapshots(vm) for vm in VMS}

    refused = flow.deck.run("sites", "clean", code=3)
    assert f"--confirm {SITE}" in refused.stderr and "continuous failover was started" in refused.stderr
    assert "1 snapshots that drdeck made, of 1 VMs, stay: they are data" in refused.stderr
    flow.deck.run("sites", "clean", "--confirm", DOMAIN, code=3)
    assert "drdeck.mode" in recovery.attributes(DOMAIN), "nothing is removed without the site's name"

    done = flow.deck.run("sites", "clean", "--confirm", SITE)
    assert recovery.attributes(DOMAIN) == {"owner": "somebody"}
    assert definitions(recovery) == set()
    assert not (flow.deck.state / SITE).exists() and str(flow.deck.state / SITE) in done.stdout
    assert {vm: recovery.snapshots(vm) for vm in VMS} == before, "snapshots are data"
    flow.deck.run("sites", "clean", "--confirm", SITE)  # twice is no error
    assert flow.show()["mode"] == "imported"
    assert flow.show()["alarms"] == [], "a removal by this command is no removal by somebody else"


def test_a_domain_at_work_is_left_whole(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    flow.complete("force", "--run-pitr", "--wait")
    stopped(flow)
    before = recovery.attributes(DOMAIN)
    refused = flow.deck.run("sites", "clean", "--confirm", SITE, code=3)
    assert f"{DOMAIN} has a PITR session: exit it first" in refused.stderr
    assert recovery.attributes(DOMAIN) == before and (flow.deck.state / SITE / "journal.db").exists()

    flow.deck.run("pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--wait")
    flow.deck.run("pitr", "exit", DOMAIN, "--wait")
    flow.deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    stopped(flow)
    done = flow.deck.run("sites", "clean", "--confirm", SITE, "--keep-state", "--json")
    removed = json.loads(done.stdout)
    assert removed["state"] is None and (flow.deck.state / SITE / "journal.db").exists()
    assert [d["name"] for d in removed["domains"]] == [DOMAIN]
    assert "it runs here in failover" in done.stderr, "what nobody knows any more is said"
    assert removed["points_left"] == 0
    assert flow.show()["alarms"] == [], "this host's own memory of the record is gone with it"


def test_what_another_jump_host_uses_stays(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    stopped(flow)
    other = recovery.datacenter.vmFolder.CreateFolder("other").CreateFolder("crm")
    mode = next(f for f in recovery.content.customFieldsManager.field if f.name == "drdeck.mode")
    recovery.content.customFieldsManager.SetField(other, mode.key, '{"mode":"imported"}')
    claim = f"drdeck.lease.{other._moId}.1"
    recovery.content.customFieldsManager.AddCustomFieldDef(claim, type(other), None, None)
    done = flow.deck.run("sites", "clean", "--confirm", SITE)
    assert "crm" in done.stderr
    assert recovery.attributes(DOMAIN) == {}
    assert {"drdeck.mode", claim} <= definitions(recovery)
    assert not any(f".{recovery.folder(DOMAIN)._moId}." in name for name in definitions(recovery))


def test_a_lease_of_another_host_is_respected(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    stopped(flow)
    lease = '{"by":"eve@other#1","g":1,"since":"2020-01-01T00:00:00Z","until":"2099-01-01T00:00:00Z"}'
    recovery.set_attribute(DOMAIN, "drdeck.lease", lease)
    refused = flow.deck.run("sites", "clean", "--confirm", SITE, code=3)
    assert "eve@other" in refused.stderr and "drdeck.mode" in recovery.attributes(DOMAIN)


def test_a_vcenter_that_is_gone_and_a_missing_password(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings())
    flow.deck.run("domains")
    stopped(flow)
    del flow.deck.env["DRDECK_PASSWORD_DR_WEST"]
    refused = flow.deck.run("sites", "clean", "--confirm", SITE, code=5)
    assert "DRDECK_PASSWORD_DR_WEST" in refused.stderr
    recovery.stop()
    flow.deck.run("sites", "clean", "--confirm", SITE, "--keep-vcenter")
    assert not (flow.deck.state / SITE).exists()
    flow.deck.run("sites", "clean", "--keep-vcenter", "--keep-state", code=2)


@pytest.mark.parametrize("word", [None, "training"])
def test_a_training_site_is_its_state(tmp_path_factory: pytest.TempPathFactory, word: str | None) -> None:
    deck = Deck(tmp_path_factory.mktemp("deck"))
    deck.run("domains")
    deck.stop()
    state = deck.state / "training-ransomware"
    assert state.is_dir()
    words = () if word is None else ("--confirm", word)
    stderr = deck.run("sites", "clean", *words, code=3 if word is None else 0).stderr
    assert state.exists() == (word is None)
    assert ("the site stays in" in stderr) == (word is not None)


def test_without_settings_none_are_named(tmp_path: Path) -> None:
    deck = WithoutSettings(tmp_path)
    deck.run("domains")
    deck.run("controller", "stop")
    done = deck.run("sites", "clean", "--confirm", "training")
    assert "was deleted" in done.stdout and "stays in" not in done.stderr
