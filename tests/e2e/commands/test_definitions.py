"""A role without Global.ManageCustomFields: what was defined once for a controller is all that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import poll
from tests.support.deck import Deck
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import DOMAIN, PITR_DOMAIN, VMS, boot
from tests.support.vcenter.vcsim import VCenter

DEFINING = "Global.ManageCustomFields"


@pytest.fixture
def deck(tmp_path: Path, vcenter: VCenter) -> Iterator[Deck]:
    root = flowsite.lay_out(vcenter, None, flowsite.instants())
    deck = flowsite.deck(tmp_path, vcenter, root, None, PITR_DOMAIN)
    yield deck
    deck.stop()
    vcenter.grant_all()


def definitions_called(vcenter: VCenter) -> int:
    return vcenter.calls()["AddCustomFieldDef"] + vcenter.calls()["RemoveCustomFieldDef"]


def test_a_whole_life_without_the_privilege_once_all_is_defined(deck: Deck, vcenter: VCenter) -> None:
    vcenter.deny(DEFINING)
    refused = deck.run("cfo", "start", DOMAIN, code=3).stderr
    assert DEFINING in refused and "nothing was begun" in refused
    report = deck.run("doctor", code=1).stdout
    assert f"lacks {DEFINING}" in report and "would be refused" in report
    denied = deck.run("doctor", "--define", code=3).stderr
    assert DEFINING in denied

    vcenter.grant_all()
    output = deck.run("doctor", "--define", code=None).stdout
    assert "attributes defined" in output and f"the first claim of {DOMAIN}" in output
    assert "0 attributes defined" in deck.run("doctor", "--define", code=None).stdout, "and again: nothing"

    vcenter.deny(DEFINING)
    report = deck.run("doctor", code=None).stdout
    assert "could not take a domain over" in report and "would be refused" not in report
    before = definitions_called(vcenter)
    deck.run("cfo", "start", DOMAIN, "--wait")
    deck.run("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN)
    boot(vcenter)
    deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    deck.run("controller", "stop", "--force", code=None)
    point = deck.json("pitr", "points", DOMAIN)["points"][0]["time"]
    deck.run("pitr", "run", DOMAIN, "--to", point, "--confirm", DOMAIN)
    poll(lambda: vcenter.calls()["RevertToSnapshot_Task"] == len(VMS), 60)
    boot(vcenter)
    deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
    assert deck.domain(DOMAIN)["session"]["state"] == "active", "the completion waits for its exit: idle"
    deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert deck.domain(DOMAIN)["mode"] == "running_in_failover"
    assert definitions_called(vcenter) == before


def test_definitions_of_an_earlier_drdeck_do_for_acts_on_a_domain(deck: Deck, vcenter: VCenter) -> None:
    """Notes of plans' runs came later: only a take-over of a run needs them."""
    deck.run("doctor", "--define", code=None)
    fields = vcenter.content.customFieldsManager
    for field in fields.field:
        if field.name.startswith("drdeck.run"):
            fields.RemoveCustomFieldDef(field.key)
    vcenter.deny(DEFINING)
    deck.run("cfo", "start", DOMAIN, "--wait")
    assert "would be refused" not in deck.run("doctor", code=None).stdout


def test_it_is_for_vcenters_and_the_account_is_asked_for(deck: Deck) -> None:
    assert "--user goes with --define" in deck.run("doctor", "--user", "root", code=2).stderr
    refused = deck.run("doctor", "--define", "--user", "administrator@vsphere.local", code=None)
    assert refused.returncode != 0 and "Password of administrator@vsphere.local" in refused.stderr
