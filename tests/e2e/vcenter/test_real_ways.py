"""What a real vCenter does and its library does not: nothing is lost by it, and nothing is left wrong.

Each row is one of the ways of tests/vcsim/hostile.go, which are all on in every other test as well.
"""

from __future__ import annotations

import http.server
import socket
import threading
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.model.times import show
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

DB, APP, WEB = VMS
CARD = vim.vm.device.VirtualEthernetCard


def card(vcenter: VCenter, vm: str) -> Any:
    devices = vcenter.vm(vm).config.hardware.device
    return next(device for device in devices if isinstance(device, CARD))


def in_session(flow: Flow, *words: str) -> None:
    flow.start()
    flow.complete("force", "--run-pitr", *words)
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")


def rolled_back(flow: Flow, point: int = 1) -> dict[str, Any]:
    """The finished Run PITR to one of the flow's points."""
    to = show(flow.points[point])
    ident = flow.deck.run("pitr", "run", DOMAIN, "--to", to, "--confirm", DOMAIN, "--wait").stdout.strip()
    return flow.operation(ident)


def test_after_a_rollback_vms_stand_on_their_recovery_networks_connected(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """register V1, V13, V20: a revert takes the cards back to the network of the snapshot."""
    flow = make_flow(recovery, None)
    flow.start()
    assert not any(card(recovery, vm).connectable.startConnected for vm in VMS), "as replication tools do"
    flow.complete("force", "--run-pitr", "--network", "DC0_DVPG0=VM Network")
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    for _ in range(2):
        for vm in VMS:
            assert card(recovery, vm).backing.deviceName == "VM Network"
            assert card(recovery, vm).connectable.startConnected
            listed = [network.name for network in recovery.vm(vm).network]
            assert "DC0_DVPG0" in listed, "only a snapshot uses it: it is listed all the same"
        rolled_back(flow)
        assert set(flow.standing().values()) == {"replica 1"}
    assert flow.power() == {"on"}
    assert flow.journal("alarm") == [], "what a rollback changes is nobody else's change"


def test_by_key_and_not_by_id(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V10: a distributed port group's key may differ from its id."""
    flow = make_flow(recovery, None)
    in_session(flow, "--network", "DC0_DVPG0=DC0_DVPG1")
    groups = {n.name: n for n in recovery.datacenter.networkFolder.childEntity}
    assert groups["DC0_DVPG1"].key != groups["DC0_DVPG1"]._moId
    rolled_back(flow)
    for vm in VMS:
        assert card(recovery, vm).backing.port.portgroupKey == groups["DC0_DVPG1"].key


def test_memory_of_a_point_is_discarded(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V15: a VM reverted to a snapshot with memory would resume; only disks are rolled back."""
    flow = make_flow(recovery, None)
    recovery.power_on(DB)
    task = recovery.vm(DB).CreateSnapshot_Task(name="live", description="", memory=True, quiesce=False)
    live = recovery.done(task)
    recovery.control("snapshot", target=live._moId, time=flow.points[2].isoformat())
    recovery.power_off(DB)
    in_session(flow)
    points = {p["time"]: p["hint"] for p in flow.deck.json("pitr", "points", DOMAIN)["points"]}
    assert [at for at, hint in points.items() if "with memory" in (hint or "")] == [show(flow.points[2])]
    assert "POINT MADE AT (UTC)" in flow.deck.run("pitr", "points", DOMAIN).stdout
    rolled_back(flow, 2)
    assert flow.standing()[DB] == "live" and flow.power() == {"on"}
    events = recovery.content.eventManager.QueryEvents(recovery.event_filter("VmPoweredOnEvent"))
    assert sum(event.vm.name == DB for event in events) == 3, "by the test, the failover, and the runbook"
    events = recovery.content.eventManager.QueryEvents(recovery.event_filter("VmPoweredOffEvent"))
    assert sum(event.vm.name == DB for event in events) == 3, "by the test, the rollback, and of its memory"
    assert flow.journal("alarm") == []


def test_settings_that_went_back_are_told(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V1: CPU, memory and disks are the snapshot's again."""
    flow = make_flow(recovery, None)
    recovery.when_free(lambda: recovery.vm(DB).ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=4, memoryMB=2048)))
    recovery.add_device(APP, "disk")
    in_session(flow)
    operation = rolled_back(flow)
    remark = operation["result"]["settings_went_back"]
    assert f"{DB}: CPUs 4 -> 1, memory 2,048 -> 32 MB" in remark
    assert f"{APP}: Hard disk" in remark and "detached" in remark and WEB not in remark
    outcomes = [e["data"].get("text", "") for e in flow.journal("outcome")]
    assert any("CPUs 4 -> 1" in text for text in outcomes), "and in the journal"


def test_a_vm_without_an_entry_point_is_never_touched(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register F19, register V2: its snapshot is refused, so there would be no way back."""
    flow = make_flow(recovery, None)
    flow.start()
    recovery.add_device(APP, "rdm-physical")
    ident = flow.complete("force", "--run-pitr")
    question = flow.until(lambda d: d["question"])["question"]
    assert "physical mode raw disk mapping" in question["text"]
    flow.deck.run("answer", ident, "skip")
    flow.until(lambda d: d["session"] and d["session"]["state"] == "active")
    before = recovery.snapshots(APP), recovery.standing_on(APP), recovery.power(APP)
    domain = flow.show()
    assert [a["vm"] for a in domain["alarms"] if a["kind"] == "entry"] == [APP]
    rolled_back(flow)
    assert (recovery.snapshots(APP), recovery.standing_on(APP), recovery.power(APP)) == before
    assert {flow.standing()[vm] for vm in (DB, WEB)} == {"replica 1"} and flow.power() == {"on"}
    events = recovery.content.eventManager.QueryEvents(recovery.event_filter("VmPoweredOffEvent"))
    assert APP not in {event.vm.name for event in events}
    # "make its entry point" tries it again: refused as long as the device is there, and done without it
    ident = flow.deck.run("pitr", "entry", DOMAIN, "--wait", code=4).stdout.strip()
    flow.deck.run("answer", ident, "skip")
    eventually(lambda: flow.operation(ident)["state"] == "done")
    assert [a["vm"] for a in flow.show()["alarms"] if a["kind"] == "entry"] == [APP]
    recovery.configure(APP, "disks", "none")
    recovery.add_device(APP, "disk")
    flow.deck.run("pitr", "entry", DOMAIN, "--wait")
    domain = flow.show()
    assert not [a for a in domain["alarms"] if a["kind"] == "entry"]
    assert flow.journal("alarm") == [], "and is nobody else's change"
    rolled_back(flow)
    assert set(flow.standing().values()) == {"replica 1"} and flow.power() == {"on"}
    refusal = flow.refused("pitr", "entry", DOMAIN)
    assert "every VM in the PITR session" in refusal


def test_a_busy_vm_is_waited_for(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V6: one task of a VM at a time; refused for a moment is not refused."""
    flow = make_flow(recovery, None)
    in_session(flow)
    recovery.slow("ReconfigVM_Task", DB, ms=600_000, times=1)
    recovery.vm(DB).ReconfigVM_Task(vim.vm.ConfigSpec(annotation="a backup is at work"))
    ident = flow.deck.run(
        "pitr", "run", DOMAIN, "--to", show(flow.points[1]), "--confirm", DOMAIN
    ).stdout.strip()
    flow.until(lambda d: any("tried 2 times" in (vm["error"] or "") for vm in d["vms"]))
    assert flow.show()["question"] is None, "nobody is asked about what passes"
    recovery.release()
    eventually(lambda: flow.operation(ident)["state"] == "done")
    assert set(flow.standing().values()) == {"replica 1"} and flow.vm(DB)["error"] is None


@pytest.mark.parametrize("ahead_s", [600, -7200])
def test_the_last_data_is_what_was_not_there_before(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter, ahead_s: int
) -> None:
    """register V12, register F1: hosts' clocks date snapshots, and two clocks tell nothing."""
    flow = make_flow(recovery, protected_vcenter, toml=settings(extra='shutdown_timeout = "60s"'))
    recovery.set_clock_skew(ahead_s)
    for vm in VMS:
        recovery.make_snapshot(vm, "the newest before")
    flow.start()
    ident = flow.complete("planned")
    question = flow.until(lambda d: d["question"])["question"]
    assert "newer than the shutdown" in question["text"]
    for vm in VMS:
        recovery.make_snapshot(vm, "the rest of the data")
    eventually(lambda: flow.operation(ident)["state"] == "done")


def test_clocks_of_hosts_are_compared_with_vcenters(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V12: a host's clock dates the snapshots that are made there."""
    flow = make_flow(recovery, None)
    host = recovery.vm(DB).runtime.host.name

    def clocks() -> list[dict[str, Any]]:
        return [f for f in flow.deck.json("doctor", code=None)["findings"] if f["subject"] == "hosts' clocks"]

    (fine,) = clocks()
    assert fine["level"] == "ok" and "within" in fine["text"]
    recovery.set_host_clock(host, -7200)
    warned = clocks()
    assert {f["level"] for f in warned} == {"warn"}
    assert any(f"the clock of host {host} is 7,200 s behind vCenter's" in f["text"] for f in warned)
    recovery.rule("QueryDateTime", "fail", text="The host does not answer.")
    (silent,) = clocks()
    assert "The host does not answer" in silent["text"] and host in silent["text"]


UNCOVERED = {
    "independent_persistent": "an independent disk keeps its data",
    "rdm-physical": "a physical RDM keeps its data",
    "bus-shared": "bus sharing allows no snapshot",
    "passthrough": "a passthrough device allows no snapshot",
}


def test_what_no_snapshot_covers_is_said_before(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V2: in show, in what is said at Complete, and doctor fails the domain for it."""
    vms = [kind.replace("_", "-") for kind in UNCOVERED] + ["whole"]
    flow = make_flow(recovery, None, domains={DOMAIN: vms})
    for kind, vm in zip(UNCOVERED, vms, strict=False):
        recovery.add_device(vm, kind)
    domain = flow.until(lambda d: sum(bool(vm["not_covered"]) for vm in d["vms"]) == len(UNCOVERED))
    covered = {vm["name"]: "; ".join(vm["not_covered"]) for vm in domain["vms"]}
    for kind, vm in zip(UNCOVERED, vms, strict=False):
        assert UNCOVERED[kind] in covered[vm]
    assert covered["whole"] == ""
    findings = flow.deck.json("doctor", code=1)["findings"]
    failed = [f["text"] for f in findings if f["level"] == "fail" and "not covered by rollbacks" in f["text"]]
    assert len(failed) == len(UNCOVERED)
    recovery.configure("whole", "consolidationNeeded", "true")
    domain = flow.until(lambda d: any(a["kind"] == "consolidation" for a in d["alarms"]))
    assert "consolidate them in vCenter" in next(
        a["text"] for a in domain["alarms"] if a["kind"] == "consolidation"
    )


def test_placeholders_and_vms_of_other_solutions(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V11: a placeholder has no data; what belongs to a tool is told before."""
    flow = make_flow(recovery, None)
    recovery.hostile("managed", True, APP)
    recovery.configure(DB, "managedBy", "com.vmware.vcDr")
    recovery.hostile("diskless", True, DB)
    eventually(lambda: "placeholder" in flow.deck.run("doctor", code=None).stdout)
    refusal = flow.refused("cfo", "start", DOMAIN)
    assert f"{DB} have no disks: they are placeholders of com.vmware.vcDr" in refusal
    recovery.add_device(DB, "disk")
    eventually(lambda: flow.deck.run("cfo", "start", DOMAIN, "--dry-run", code=None).returncode == 0)
    dry = flow.deck.run("cfo", "start", DOMAIN, "--dry-run").stdout
    assert f"{APP} belongs to another solution (com.vmware.vcHms), which may change it at any time" in dry
    eventually(lambda: flow.deck.run("cfo", "start", DOMAIN, code=None).returncode == 0)
    findings = [f["text"] for f in flow.deck.json("doctor", code=None)["findings"]]
    assert f"{APP} belongs to another solution (com.vmware.vcHms)" in findings
    (managed,) = [a for a in flow.show()["alarms"] if a["kind"] == "managed" and a["vm"] == APP]
    assert "stop its jobs for it before a failover" in managed["text"]


def test_templates_are_named_and_left_out(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V9, V11: nothing in a domain's folder disappears without a line."""
    flow = make_flow(recovery, None)
    recovery.configure(WEB, "template", "true")
    domain = flow.until(lambda d: any(a["kind"] == "template" for a in d["alarms"]))
    says = f"templates in its folder are left out of everything: {WEB}"
    assert {vm["name"] for vm in domain["vms"]} == {DB, APP}
    assert [says in a["text"] for a in domain["alarms"] if a["kind"] == "template"] == [True]
    assert any(says in f["text"] for f in flow.deck.json("doctor", code=None)["findings"])
    assert says in flow.deck.run("cfo", "start", DOMAIN, "--dry-run").stdout
    flow.start()
    dry = flow.deck.run("cfo", "complete", DOMAIN, "--type", "regular", "--dry-run", code=None)
    assert says in dry.stdout + dry.stderr
    recovery.configure(WEB, "template", "false")
    flow.until(lambda d: len(d["vms"]) == 3 and not any(a["kind"] == "template" for a in d["alarms"]))


@pytest.mark.parametrize("ready", ["tcp:{port}", "http:http://{ip}:{port}/health"])
def test_ready_once_it_answers(make_flow: MakeFlow, vcenter: VCenter, ready: str) -> None:
    """register V14: an address that others can reach, and a service at it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    text = ready.replace("{port}", str(port))
    toml = settings(extra='subnet = "127.0.0.0/8"\nready_timeout = "60s"').replace(
        'ready = "tools"', f'ready = "{text}"'
    )
    flow = make_flow(vcenter, None, toml=toml)
    flow.start()
    ident = flow.complete("force")
    eventually(lambda: flow.power() == {"on"})
    for vm in VMS:
        vcenter.configure(vm, "addresses", "fe80::7,169.254.3.4")
    flow.until(lambda d: "only fe80::7 (not in 127.0.0.0/8)" in d["steps"][2]["detail"])
    for vm in VMS:
        vcenter.configure(vm, "addresses", "fe80::7,127.0.0.1")
    flow.until(lambda d: "127.0.0.1 does not answer" in d["steps"][2]["detail"])
    server = http.server.HTTPServer(("127.0.0.1", port), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        eventually(lambda: flow.operation(ident)["state"] == "done")
    finally:
        server.shutdown()
        server.server_close()


class Healthy(http.server.BaseHTTPRequestHandler):
    """A service that is up."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_vms_in_a_vapp_are_of_their_folder(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V9, register F7: in a vApp a VM has no parent."""
    flow = make_flow(recovery, None)
    recovery.hostile("vapp", True, APP)
    flow.start()
    flow.complete("force", "--wait")
    domain = flow.show()
    assert (domain["vms_total"], domain["vms_recovered"]) == (3, 3)
    assert {vm["name"] for vm in domain["vms"]} == set(VMS)


def test_vms_of_one_name_are_told_apart_by_their_paths(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register F9."""
    flow = make_flow(recovery, None)
    sub = recovery.folder(DOMAIN).CreateFolder("old")
    twin = recovery._make(sub, DB, [("replica 0", flow.points[0])], "DC0_DVPG0", False)
    paths = [f"{DOMAIN}/{DB}", f"{DOMAIN}/old/{DB}"]
    flow.until(lambda d: {vm["name"] for vm in d["vms"]} == {*paths, APP, WEB})
    flow.start()
    flow.complete("force", "--wait")
    message = flow.deck.run("pitr", "start", DOMAIN, "--vm", DB, code=2).stderr
    assert f'2 VMs of "{DOMAIN}" are called "{DB}"' in message and " or ".join(paths) in message
    flow.deck.run("pitr", "start", DOMAIN, "--vm", paths[1], "--wait")
    entries = [sum("entry point" in s.description for s in recovery.snapshots(vm)) for vm in (twin, APP)]
    assert entries == [1, 0]


def test_what_is_in_no_domain_is_named(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    recovery._make(recovery.root_folder, "lost-vm", [], "DC0_DVPG0", False)
    left = "in no domain's folder, and left alone: lost-vm"
    eventually(lambda: left in flow.deck.run("doctor", code=None).stdout)
    assert "in no domain's folder: lost-vm" in flow.deck.run("show", DOMAIN).stderr


def test_networks_of_one_name_are_told_apart(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register F10, F11: by their ids; and an NSX network is a target like any other."""
    flow = make_flow(recovery, None)
    recovery.add_network("VM Network")
    recovery.add_network("nsx-dr", "opaque")
    offered = flow.until(lambda d: "nsx-dr" in d["networks"]["recovery"])["networks"]["recovery"]
    assert "VM Network" not in offered
    twins = [name for name in offered if name.startswith("VM Network (network-")]
    assert len(twins) == 2
    flow.start()
    refusal = flow.refused(
        "cfo", "complete", DOMAIN, "--type", "regular", "--network", "DC0_DVPG0=VM Network", code=2
    )
    assert all(name in refusal for name in twins)
    flow.complete("force", "--network", "DC0_DVPG0=nsx-dr", "--wait")
    for vm in VMS:
        assert card(recovery, vm).backing.opaqueNetworkType == "nsx.LogicalSwitch"


def test_networks_of_one_name_are_refused_with_switch_folder_and_id(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    """register V10: an id alone tells nobody which of them is meant."""
    flow = make_flow(recovery, None)
    recovery.add_network("DC0_DVPG0")
    flow.until(lambda d: "DC0_DVPG0" not in d["networks"]["recovery"])

    def refusal() -> str:
        return flow.refused("cfo", "start", DOMAIN, "--network", "*=DC0_DVPG0", code=2)

    eventually(lambda: 'of the switch "DVS0", in /DC0/network' in refusal(), refusal)
    sentence = refusal()
    assert 'has 2 networks "DC0_DVPG0"; name one with its id: "DC0_DVPG0 (' in sentence
    assert "of standard switches, in /DC0/network" in sentence


def test_a_question_of_vcenter_is_shown_and_answered(make_flow: MakeFlow, recovery: VCenter) -> None:
    """register V4, register F3, F4: a VM that waits holds up nobody else, and is answered from here."""
    flow = make_flow(recovery, None)
    flow.start()
    recovery.hostile("questions", True, DB)
    ident = flow.complete("force")
    domain = flow.until(lambda d: any(a["kind"] == "vm_question" for a in d["alarms"]))
    (alarm,) = [a for a in domain["alarms"] if a["kind"] == "vm_question"]
    assert (alarm["vm"], alarm["severity"]) == (DB, "critical")
    assert "might have been moved or copied" in alarm["text"]
    moved = "button.uuid.movedTheVM"
    assert alarm["choices"] == ["button.uuid.cancel", moved, "button.uuid.copiedTheVM"]
    eventually(lambda: [recovery.power(vm) for vm in VMS] == ["off", "on", "on"])
    asks = "vCenter asks: This virtual machine might"
    flow.until(lambda d: any(asks in step["detail"] for step in d["steps"]))
    message = flow.deck.run("answer", ident, "maybe", "--vm", DB, code=2).stderr
    assert moved in message
    command = flow.deck.typed(f"answer {DOMAIN} {'|'.join(alarm['choices'])} --vm {DB}")
    assert f"({command})" in flow.deck.run("show", DOMAIN).stdout
    flow.deck.run("answer", DOMAIN, moved, "--vm", DB)
    eventually(lambda: flow.operation(ident)["state"] == "done")
    (answered,) = flow.journal("vm_answer")
    assert (answered["data"]["vm"], answered["data"]["choice"]) == (DB, moved)
    assert "no question on" in flow.deck.run("answer", ident, moved, "--vm", DB, code=None).stderr
