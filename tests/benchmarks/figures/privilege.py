"""A whole failover, session, rollback and exit without Global.ManageCustomFields: the calls that need it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.support.console.terminal import poll
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import DOMAIN, PITR_DOMAIN, VMS, boot
from tests.support.vcenter.vcsim import VCenter

DEFINING = "Global.ManageCustomFields"
CALLS = ("AddCustomFieldDef", "RemoveCustomFieldDef")


class Life(NamedTuple):
    """Calls that need the privilege: those of the set-up, and of all that follows, without it."""

    at_set_up: int
    afterwards: int
    ended_as: str


def life_without(directory: Path, vcenter: VCenter) -> Life:
    """Set up by an account that has the privilege, and then live without it."""
    root = flowsite.lay_out(vcenter, None, flowsite.instants())
    deck = flowsite.deck(directory, vcenter, root, None, PITR_DOMAIN)
    try:
        laid_out = _defining(vcenter)
        deck.run("doctor", "--define", code=None)
        vcenter.deny(DEFINING)
        before = _defining(vcenter)
        deck.run("cfo", "start", DOMAIN, "--wait")
        deck.run("cfo", "complete", DOMAIN, "--type", "force", "--run-pitr", "--confirm", DOMAIN)
        boot(vcenter)
        deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
        point = deck.json("pitr", "points", DOMAIN)["points"][0]["time"]
        deck.run("pitr", "run", DOMAIN, "--to", point, "--confirm", DOMAIN)
        poll(lambda: vcenter.calls()["RevertToSnapshot_Task"] == len(VMS), 60)
        boot(vcenter)
        deck.run("watch", DOMAIN, "--until", "idle", "--timeout", "60")
        deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
        return Life(before - laid_out, _defining(vcenter) - before, deck.domain(DOMAIN)["mode"])
    finally:
        deck.stop()
        vcenter.grant_all()


def _defining(vcenter: VCenter) -> int:
    calls = vcenter.calls()
    return sum(calls[name] for name in CALLS)
