"""Force failover with the protected site gone and answering, and an exit without a rollback."""

from __future__ import annotations

from drdeck.model.times import show
from drdeck.sites.vsphere.vcenter.transport import changing
from tests.support.vcenter import flowsite
from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN, PASSWORD, VMS
from tests.support.vcenter.vcsim import VCenter


def test_with_the_protected_site_gone_and_exit_without_a_rollback(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    flow.start()
    protected_vcenter.stop()
    flow.protected = None
    for kind in ("regular", "planned"):
        assert "does not answer" in flow.refused("cfo", "complete", DOMAIN, "--type", kind)
    assert f'"{DOMAIN}"' in flow.refused("cfo", "complete", DOMAIN, "--type", "force")
    assert "is not its name" in flow.refused(
        "cfo", "complete", DOMAIN, "--type", "force", "--confirm", DOMAIN.upper()
    )
    flow.complete("force", "--run-pitr", "--wait")
    assert flow.show()["session"]["state"] == "active"
    assert flow.session_starts() == 1
    for vm in VMS:
        recovery.make_snapshot(vm, "somebody else's")

    refusal = flow.refused("pitr", "exit", DOMAIN)
    assert "resets all PITR data" in refusal
    flow.refused("pitr", "exit", DOMAIN, "--confirm", "erp")
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    domain = flow.until(lambda d: d["operation"] is None)
    assert domain["mode"] == "running_in_failover" and domain["session"] is None
    assert '"reset"' in recovery.attributes(DOMAIN)["drdeck.pitr"]
    for vm in VMS:
        names = [name for name in flow.names(vm) if not name.startswith("drdeck-before-")]
        assert names == ["replica 0", "replica 1", "replica 2", "somebody else's"]
    assert flow.deck.json("pitr", "points", DOMAIN)["points"] == [], "no older point is offered"

    flow.deck.run("pitr", "start", DOMAIN, "--wait")
    assert "was reset" in flow.refused("pitr", "run", DOMAIN, "--to", show(flow.points[1]))


def test_with_the_protected_site_answering(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    flow.start()
    before = protected_vcenter.calls()
    ident = flow.complete("force", "--wait")
    assert flow.show()["mode"] == "running_in_failover"
    assert {protected_vcenter.power(vm) for vm in VMS} == {"on"}
    calls = protected_vcenter.calls() - before
    assert not any(changing(method) for method in calls), calls
    accepted = next(e for e in flow.journal("accepted") if e["data"]["operation"] == ident)
    assert any("3 of 3 VMs run there" in said for said in accepted["data"]["against"])


ANSWERS = "RetrieveServiceContent"
"""The one call with which it is asked whether it answers; it needs no login."""


def test_only_whether_it_answers_is_asked_there_meanwhile(
    make_flow: MakeFlow, vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    """By the controller that began it, by the next one, and by doctor; afterwards it is followed again."""
    flow = make_flow(vcenter, protected_vcenter)
    flow.start()
    eventually(lambda: len(protected_vcenter.sessions()) == 3)
    begun = protected_vcenter.calls()
    flow.complete("force")
    eventually(lambda: (protected_vcenter.calls() - begun)[ANSWERS])
    before = protected_vcenter.calls()
    findings = flow.deck.json("doctor", code=None)["findings"]
    assert any("nothing is read there while a Force" in f["text"] for f in findings)
    eventually(lambda: (protected_vcenter.calls() - before)[ANSWERS] >= 2)
    flow.kill()
    flow.until(lambda domain: domain["mode"] == "completing")
    eventually(lambda: (protected_vcenter.calls() - before)[ANSWERS] >= 4)
    assert set(protected_vcenter.calls() - before) == {ANSWERS}
    for vm in VMS:
        vcenter.set_tools(vm, True)
    flow.until(lambda domain: domain["mode"] == "running_in_failover")
    eventually(lambda: (protected_vcenter.calls() - before)["WaitForUpdatesEx"])


def test_sessions_there_that_were_dropped_are_ended_afterwards(
    make_flow: MakeFlow, vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(vcenter, protected_vcenter)
    flow.start()
    eventually(lambda: len(protected_vcenter.sessions()) == 3)
    dropped = set(protected_vcenter.sessions())
    flow.complete("force")
    flow.until(lambda domain: domain["mode"] == "completing")
    for vm in VMS:
        vcenter.set_tools(vm, True)
    flow.until(lambda domain: domain["mode"] == "running_in_failover")
    eventually(lambda: len(now := set(protected_vcenter.sessions())) == 3 and len(now & dropped) == 1)


def test_a_planned_failover_beside_it_has_the_protected_site_read(
    make_flow: MakeFlow, vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    """One protected vCenter serves several domains: what is not taken for lost is handled as ever."""
    beside = "crm-prod"
    toml = settings() + settings(beside, pitr="enabled = false")
    flow = make_flow(vcenter, protected_vcenter, domains={DOMAIN: [VMS[0]], beside: ["crm-db01"]}, toml=toml)
    for domain in (DOMAIN, beside):
        flow.start(domain)
    begun = protected_vcenter.calls()
    flow.complete("force")
    eventually(lambda: (protected_vcenter.calls() - begun)[ANSWERS])
    flow.complete("planned", domain=beside)
    eventually(lambda: protected_vcenter.power((beside, "crm-db01")) == "off")
    assert protected_vcenter.power((DOMAIN, VMS[0])) == "on"
    asking = flow.until(lambda d: d["question"], beside)
    vcenter.make_snapshot((beside, "crm-db01"), "replica last")
    flow.until(lambda d: d["question"] is None, beside)
    assert "restore point" in asking["question"]["text"]
    eventually(lambda: vcenter.power((beside, "crm-db01")) == "on")
    quiet = protected_vcenter.calls()
    eventually(lambda: (protected_vcenter.calls() - quiet)[ANSWERS])


def test_what_may_be_done_there_is_asked_beside_it_as_ever(
    make_flow: MakeFlow, vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    """Nothing is followed at the protected site meanwhile; a Planned Failover of another domain needs it."""
    beside, off = "crm-prod", "VirtualMachine.Interact.PowerOff"
    toml = settings() + settings(beside, pitr="enabled = false")
    flow = make_flow(vcenter, protected_vcenter, domains={DOMAIN: [VMS[0]], beside: ["crm-db01"]}, toml=toml)
    for domain in (DOMAIN, beside):
        flow.start(domain)
    begun = protected_vcenter.calls()
    flow.complete("force")
    eventually(lambda: (protected_vcenter.calls() - begun)[ANSWERS])
    protected_vcenter.deny(off)
    refusal = flow.complete("planned", domain=beside, code=3)
    where = f"/DC0/vm/prod/{beside}"
    assert f"{protected_vcenter.user} lacks {off} on {where}; nothing was begun" in refusal, refusal
    assert "drdeck.failover" not in vcenter.attributes(beside)
    protected_vcenter.grant_all()
    flow.complete("planned", domain=beside)
    eventually(lambda: protected_vcenter.power((beside, "crm-db01")) == "off")


def test_a_protected_site_that_does_not_know_the_domain(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    protected_vcenter.protected_layout({"another": ["x"]})
    flow = make_flow(recovery, None)
    flow.deck.stop()
    flow.deck = flowsite.deck(flow.deck.directory, recovery, flow.root, protected_vcenter, settings())
    flow.deck.here = True
    flow.start()
    for kind in ("regular", "planned"):
        assert f'no folder "{DOMAIN}"' in flow.refused("cfo", "complete", DOMAIN, "--type", kind)


def test_a_protected_site_that_answers_and_shows_nothing_is_not_said_to_be_lost(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    flow.start()
    config = flow.deck.config.read_text()
    ca_file, variable = f'ca_file = "{protected_vcenter.ca_file}"', PASSWORD + "_PROTECTED"
    port = str(protected_vcenter.port)
    for old, new, message in (
        ("", "", "user name and password"),
        (ca_file, "", "is not trusted"),
        ('root = "/DC0/vm/prod"', 'root = "/DC0/vm/dorp"', "/DC0/vm has"),
        (port, "1", "does not answer"),
    ):
        flow.deck.stop()
        flow.deck.config.write_text(config.replace(old, new) if old else config)
        flow.deck.env[variable] = protected_vcenter.password if old else "wrong"
        for kind in ("regular", "planned"):
            refused = flow.refused("cfo", "complete", DOMAIN, "--type", kind)
            assert message in refused and ("does not answer" in refused) == (new == "1"), refused
