"""The test vCenter does what the other tests rely on."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyVmomi import vim

from tests.support.console.terminal import poll
from tests.support.vcenter import simulator
from tests.support.vcenter.simulator import Simulator, binary
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually


def test_built_once(vcsim_built: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(target: Path) -> None:
        raise AssertionError(f"{target} is there already")

    monkeypatch.setattr(simulator, "_build", build)
    assert binary() == binary()


def test_it_ends_with_the_test_that_started_it(vcsim_built: None) -> None:
    started = (
        "import sys; from tests.support.vcenter.simulator import Simulator; s = Simulator();"
        "print(s.process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", started], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    poll(lambda: not _alive(pid), 60)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_taken_port_is_told(vcenter: VCenter) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        Simulator(port=vcenter.port)


async def test_it_misbehaves_when_told_to(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"], "other": ["db01", "web01"]})
    db = ("erp", "db01")
    vcenter.fail_power_on(db, times=2, text="No host is compatible.")
    for _ in range(2):
        with pytest.raises(vim.fault.GenericVmConfigFault) as caught:
            vcenter.power_on(db)
        assert caught.value.msg == "No host is compatible."
    vcenter.power_on(("other", "db01"))
    vcenter.power_on(db)
    vcenter.stubborn(db)
    vcenter.vm(db).ShutdownGuest()
    assert vcenter.power(db) == "on"
    vcenter.clear_rules()
    vcenter.vm(db).ShutdownGuest()
    assert vcenter.power(db) == "off"
    vcenter.slow("RevertToSnapshot_Task", "web01", ms=50)
    oldest = vcenter.snapshots("web01")[0]
    vcenter.revert("web01", oldest.name)
    assert vcenter.current_snapshot("web01") == oldest


def test_a_rule_is_not_used_up_by_a_call_that_is_refused_as_busy(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    machine, note = vcenter.vm("db01"), vim.vm.ConfigSpec(annotation="busy")
    for _ in range(2):
        vcenter.slow("ReconfigVM_Task", "db01", ms=3_600_000, times=1)
    machine.ReconfigVM_Task(note)
    with pytest.raises(vim.fault.TaskInProgress):
        machine.ReconfigVM_Task(note)
    vcenter.release()
    poll(lambda: all(task.info.state != "running" for task in machine.recentTask), 60)
    task = machine.ReconfigVM_Task(note)
    assert task.info.state == "running"
    vcenter.release()
    vcenter.done(task)


def test_snapshots_have_the_times_given(vcenter: VCenter) -> None:
    at = datetime(2026, 1, 16, 22, 42, 0, 500_000, tzinfo=UTC)
    vcenter.layout({"erp": ["db01"]}, snapshots=[("first", at)])
    vcenter.make_snapshot("db01", "now")
    first, now = vcenter.snapshots("db01")
    assert first.created == at and now.created > at and now.parent == first.id


def test_a_revert_leaves_the_vm_off(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    vcenter.power_on("db01")
    vcenter.revert("db01", vcenter.snapshots("db01")[1].name)
    assert vcenter.power("db01") == "off"


async def test_a_booting_vm_gets_tools_and_an_address(vcsim_built: None) -> None:
    server = VCenter(boot=0.05)
    try:
        server.layout({"erp": ["db01"]})
        vm = server.vm("db01")
        server.power_on("db01")
        await eventually(lambda: server.read(vm, "guest.ipAddress"))
        assert server.read(vm, "guest.toolsRunningStatus")["guest.toolsRunningStatus"] == "guestToolsRunning"
        vm.ShutdownGuest()
        assert server.read(vm, "guest.ipAddress") == {}
    finally:
        server.stop()
