"""What may disturb a session is said before it begins, and for as long as it may."""

from __future__ import annotations

from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

FORCE = ("cfo", "complete", DOMAIN, "--type", "force", "--confirm", DOMAIN, "--wait")


def hazards(flow: Flow) -> list[tuple[str, str]]:
    return [(a["kind"], a["text"]) for a in flow.show()["alarms"] if a["kind"] in ("drs", "schedule")]


def test_drs_and_schedules_are_warned_of(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {DOMAIN: ["a", "b", "c"], "other": ["d"]}, settings())
    recovery.control("drs", text="fullyAutomated")
    recovery.control("drs", target=recovery.vm("b")._moId, text="manual")
    for name, target in (
        ("nightly", recovery.vm("a")._moId),
        ("weekly", recovery.folder(DOMAIN)._moId),
        ("yearly", recovery.root_folder._moId),
        ("elsewhere", recovery.vm("d")._moId),
    ):
        recovery.control("schedule", target=target, method="CreateSnapshot_Task", text=name)
    flow.start()
    done = flow.deck.run(*FORCE[:-1], "--run-pitr")
    warnings = [
        line
        for line in done.stderr.splitlines()
        if line.startswith("warning: ") and "Expected data loss" not in line
    ]
    assert [w.split('"')[1] for w in warnings] == ["DC0_C0", "nightly", "weekly", "yearly"]
    drs, nightly, weekly, yearly = warnings
    assert "fully automated" in drs and "may move a, c to other hosts" in drs
    assert "(CreateSnapshot) is for a, next at 20" in nightly and "Disable it in vCenter" in nightly
    assert f'the folder "{DOMAIN}"' in weekly and 'the folder "drdeck"' in yearly

    flow.deck.run("watch", DOMAIN, "--until", "session", "--timeout", "60")
    domain = flow.until(lambda d: len([a for a in d["alarms"] if a["kind"] in ("drs", "schedule")]) == 4)
    assert {f"warning: {text}" for _, text in hazards(flow)} == set(warnings)
    assert all(a["severity"] == "warning" and a["vm"] is None for a in domain["alarms"])
    assert flow.journal("alarm") == [], "nobody did anything yet"
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    assert hazards(flow) == []


def test_a_session_by_hand_of_some_vms(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, {DOMAIN: ["a", "b"]}, settings())
    flow.start()
    warnings = flow.deck.run(*FORCE).stderr.replace("warning: Expected data loss", "")
    assert "warning" not in warnings, "no session comes of it, and nothing is automated"
    recovery.control("schedule", target=recovery.vm("a")._moId, method="PowerOffVM_Task", text="lights out")
    assert "warning" not in flow.deck.run("pitr", "start", DOMAIN, "--vm", "b", "--wait").stderr
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")
    warnings = flow.deck.run("pitr", "start", DOMAIN, "--vm", "a", "--wait").stderr
    assert 'warning: The scheduled task "lights out" (PowerOffVM) is for a' in warnings
