"""A restricted role: each missing privilege is named by doctor, and an act without it is not begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.sites.contract import Refused
from drdeck.sites.vsphere.doctor.privileges import (
    ASSIGN,
    CREATE_SNAPSHOT,
    DOMAIN,
    EDIT_DEVICE,
    FOLDER,
    LEAST,
    LOG_EVENT,
    MANAGE_FIELDS,
    NETWORK,
    POWER_OFF,
    POWER_ON,
    PROTECTED,
    REMOVE_SNAPSHOT,
    REVERT,
    SET_FIELD,
    TERMINATE,
    VCENTER,
)
from drdeck.sites.vsphere.vcenter.attribute_writer import AttributeWriter
from drdeck.sites.vsphere.vcenter.calls import rollback_call, vm_calls
from drdeck.sites.vsphere.vcenter.calls.call_arguments import PointArguments
from drdeck.sites.vsphere.vcenter.connection import Connection, Endpoint, VCenterSession
from tests.support.vcenter.call_steps import carry_out
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN as NAME
from tests.support.vcenter.flowsite import VMS
from tests.support.vcenter.vcsim import VCenter

MOVE = ("--network", "DC0_DVPG0=VM Network")
START = ("cfo", "start", NAME, *MOVE)
REGULAR = ("cfo", "complete", NAME, "--type", "regular", "--run-pitr")
PLANNED = ("cfo", "complete", NAME, "--type", "planned")
SESSION = ("pitr", "start", NAME)
RUN = ("pitr", "run", NAME, "--to")
EXIT = ("pitr", "exit", NAME, "--confirm", NAME)
RECORD = ((SET_FIELD, FOLDER), (MANAGE_FIELDS, VCENTER))
IN_SESSION = tuple(
    (privilege, DOMAIN) for privilege in (POWER_ON, POWER_OFF, CREATE_SNAPSHOT, REVERT, REMOVE_SNAPSHOT)
)


def findings(flow: Flow, code: int) -> list[dict[str, Any]]:
    all_findings: list[dict[str, Any]] = flow.deck.json("doctor", code=code)["findings"]
    return [f for f in all_findings if "privileges" in f["subject"]]


def place(flow: Flow, on: str) -> tuple[VCenter, Any, str]:
    """Where a privilege is taken away: the vCenter, the object, and what drdeck calls it."""
    recovery, protected = flow.recovery, flow.protected
    if on == PROTECTED:
        assert protected is not None
        return protected, protected.folder(NAME), f"/DC0/vm/prod/{NAME}"
    if on == VCENTER:
        return recovery, None, f"vCenter 127.0.0.1:{recovery.port} itself"
    if on == NETWORK:
        network = next(n for n in recovery.datacenter.network if n.name == "VM Network")
        return recovery, network, "network VM Network"
    return recovery, recovery.folder(NAME), f"/DC0/vm/drdeck/{NAME}"


def without(flow: Flow, privilege: str, on: str, label: str, *words: str) -> None:
    """Take one privilege away: doctor names it with the act, the act is refused, and nothing is begun."""
    server, target, called = place(flow, on)
    accepted = len(flow.journal("accepted"))
    server.deny(privilege, target)
    try:
        [finding] = [f for f in findings(flow, code=1) if f["level"] == "fail"]
        assert f"lacks {privilege} on {called}: " in finding["text"] and finding["text"].endswith(
            "would be refused"
        )
        assert label in finding["text"] and privilege in finding["remedy"]
        refusal = flow.refused(*words)
        assert f"lacks {privilege} on {called}; nothing was begun" in refusal, refusal
        assert len(flow.journal("accepted")) == accepted
    finally:
        server.grant_all()


def test_through_a_whole_flow(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    """Every privilege of the list, before every act that needs it; with all of them the flow runs through."""
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr='enabled = true, interval = "3h"'))
    assert [f["level"] for f in findings(flow, code=0)] == ["ok", "ok"]
    tried: set[tuple[str, str]] = set()

    def each(needs: tuple[tuple[str, str], ...], label: str, *words: str) -> None:
        for privilege, on in needs:
            tried.add((privilege, on))
            without(flow, privilege, on, label, *words)

    each(RECORD, "Continuous Failover", *START)
    flow.deck.run(*START, "--wait")
    each(((POWER_OFF, PROTECTED),), "Planned Failover", *PLANNED)
    for vm in VMS:
        protected_vcenter.power_off(vm)
    flow.until(lambda domain: True)
    moves = ((EDIT_DEVICE, DOMAIN), (ASSIGN, NETWORK))
    each((*RECORD, *IN_SESSION, *moves), "Failover", *REGULAR)
    flow.deck.run(*REGULAR, "--wait")
    to = flow.points[-1].isoformat().replace("+00:00", "Z")
    each((*RECORD, *((p, DOMAIN) for p in (POWER_ON, POWER_OFF, REVERT))), "Run PITR", *RUN, to)
    flow.deck.run(*RUN, to, "--wait")
    each((*RECORD, (REMOVE_SNAPSHOT, DOMAIN)), "Exit PITR Session", *EXIT)
    flow.deck.run(*EXIT, "--wait")
    each((*RECORD, *IN_SESSION), "Start PITR Session", *SESSION)
    flow.deck.run(*SESSION, "--wait")
    later = {(POWER_ON, PROTECTED)}  # below, with the setting that makes it needed
    assert tried == {(need.privilege, need.on) for need in LEAST} - later, (
        "every privilege of the list was tried"
    )


def test_an_undo_that_starts_the_protected_vms_may_start_them(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    toml = settings(pitr="enabled = false", extra="start_protected = true")
    flow = make_flow(recovery, protected_vcenter, toml=toml)
    flow.start()
    for vm in VMS:
        protected_vcenter.power_off(vm)
    flow.deck.run(*REGULAR[:-1], "--wait")
    undo = ("failover", "undo", NAME, "--confirm", NAME)
    without(flow, POWER_ON, PROTECTED, "Undo Failover with start_protected", *undo)
    flow.deck.run(*undo, "--wait")
    assert {protected_vcenter.power(vm) for vm in VMS} == {"on"}


def test_only_what_an_act_needs_is_asked_for(make_flow: MakeFlow, recovery: VCenter) -> None:
    """A failover without PITR runs with a role that may make no snapshot; one call tells so, before it is
    asked for and when it is."""
    flow = make_flow(recovery, None, toml=settings(pitr="enabled = false"))
    for privilege in (POWER_OFF, CREATE_SNAPSHOT, REVERT, REMOVE_SNAPSHOT, EDIT_DEVICE, ASSIGN):
        recovery.deny(privilege)
    flow.start()
    before = recovery.calls()
    flow.complete("force", "--wait")
    assert (recovery.calls() - before)["HasPrivilegeOnEntities"] == 2
    assert flow.power() == {"on"}


def test_what_is_optional_is_warned_of_and_refuses_nothing(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(recovery, protected_vcenter)
    for site in (recovery, protected_vcenter):
        site.deny(TERMINATE)
    recovery.deny(LOG_EVENT)
    flow.deck.stop()
    flow.start()
    all_findings = findings(flow, code=0)
    assert [f["level"] for f in all_findings] == ["ok", "warn", "warn", "ok", "warn"]
    warned = [f for f in all_findings if f["level"] == "warn"]
    assert [
        (TERMINATE in f["text"], TERMINATE in f["remedy"]) for f in warned if LOG_EVENT not in f["text"]
    ] == [(True, True)] * 2
    assert [f["text"].rpartition(" on ")[2] for f in warned if LOG_EVENT in f["text"]] == [
        "datacenter DC0: vCenter's events do not tell what drdeck does"
    ]
    assert not any(TERMINATE in f["text"] for f in all_findings if f["level"] == "ok")
    flow.complete("force", "--wait")
    assert flow.power() == {"on"}


def test_one_vm_with_a_role_of_its_own(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    recovery.deny(POWER_ON, recovery.vm(VMS[0]))
    refusal = flow.refused("cfo", "complete", NAME, "--type", "force", "--confirm", NAME)
    assert f"lacks {POWER_ON} on {VMS[0]}; nothing was begun" in refusal
    [finding] = findings(flow, code=1)
    acts_told = "Failover, Start PITR Session, Run PITR would be refused"
    assert finding["text"] == f"{recovery.user} lacks {POWER_ON} on {VMS[0]}: {acts_told}"


def test_a_vm_that_cannot_even_be_read(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    recovery.deny("System.Read", recovery.vm(VMS[0]))
    refusal = flow.refused("cfo", "complete", NAME, "--type", "force", "--confirm", NAME)
    assert f"lacks {POWER_ON} on {VMS[0]}; nothing was begun" in refusal


def test_a_role_that_does_not_reach_below_the_root(make_flow: MakeFlow, recovery: VCenter) -> None:
    """What the root folder is without, only a folder that is made later will miss: a warning."""
    flow = make_flow(recovery, None)
    recovery.deny(POWER_ON, recovery.root_folder, here=True)
    [finding] = findings(flow, code=0)
    assert finding["level"] == "warn" and f"lacks {POWER_ON} on /DC0/vm/drdeck: " in finding["text"]
    flow.start()


def test_doctor_makes_as_many_calls_for_many_vms(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, points=[])

    def calls() -> int:
        before = recovery.calls()
        flow.deck.run("doctor")
        sent = recovery.calls() - before
        # what goes on anyhow: the heartbeat and the long poll; and each host is asked for its clock
        for beside in ("CurrentTime", "WaitForUpdatesEx", "CancelWaitForUpdates", "QueryDateTime"):
            del sent[beside]
        return sum(sent.values())

    calls()
    few = calls()
    for number in range(40):
        recovery.add_vm(NAME, f"more{number:02}")
    flow.until(lambda domain: len(domain["vms"]) == len(VMS) + 40)
    assert few <= 6, recovery.calls()
    eventually(lambda: calls() == few)  # the devices of VMs that are new are read beside, once


Act = Callable[[VCenterSession, str], object]
ACTS: dict[str, Act] = {
    POWER_ON: lambda session, vm: carry_out(vm_calls.power_on(session, vm)),
    POWER_OFF: lambda session, vm: vm_calls.shutdown_guest(session, vm),
    CREATE_SNAPSHOT: lambda session, vm: carry_out(
        rollback_call.make_snapshot(session, vm, PointArguments(name="n", description="d"))
    ),
    SET_FIELD: lambda session, vm: AttributeWriter().set(session, vm, "drdeck.mode", "x"),
    MANAGE_FIELDS: lambda session, vm: AttributeWriter().set(session, vm, "drdeck.new", "x"),
    EDIT_DEVICE: lambda session, vm: carry_out(vm_calls.connect(session, vm, _move(session, vm))),
    ASSIGN: lambda session, vm: carry_out(vm_calls.connect(session, vm, _move(session, vm))),
}


def _move(session: VCenterSession, vm: str) -> dict[str, str]:
    machine: Any = vim.VirtualMachine(vm, session.stub)
    there: Any = session.content.searchIndex.FindByInventoryPath("DC0")
    other = next(n for n in there.network if n.name == "VM Network")
    return {machine.network[0]._moId: other._moId}


@pytest.mark.parametrize("privilege", ACTS)
async def test_the_vcenter_refuses_it_too(vcenter: VCenter, privilege: str) -> None:
    """A privilege that goes after an act was begun: vCenter's refusal names it, and what to do."""
    vcenter.layout({NAME: ["erp-db01"]}, snapshots=())
    vcenter.set_attribute(NAME, "drdeck.mode", "")
    vm = vcenter.vm("erp-db01")
    target = vcenter.folder(NAME)._moId if "Global" in privilege else vm._moId
    connection = Connection(
        Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file)), vcenter.user, vcenter.password
    )
    await connection.open()
    vcenter.deny(privilege)
    try:
        with pytest.raises(Refused, match="Permission to perform this operation was denied") as caught:
            await connection.command(lambda session: ACTS[privilege](session, target), "act")
        assert f"privilege {privilege}" in str(caught.value) and "ask its administrator" in str(caught.value)
    finally:
        await connection.close()
