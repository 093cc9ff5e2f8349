"""What may stop the VMs of a completion from starting is said before, out of the real inventory."""

from __future__ import annotations

from tests.support.vcenter.flow import MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter


def test_hosts_and_datastores_are_looked_at_before_a_completion(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = make_flow(recovery, toml=settings(pitr='enabled = true, interval = "1s", window = "1h"'))
    flow.start()
    store = recovery.read(recovery.vm(VMS[0]), "datastore")["datastore"][0]
    host = recovery.read(recovery.vm(VMS[0]), "runtime.host")["runtime.host"]
    recovery.set_room(store.name, free=1, capacity=1 << 40)
    recovery.done(host.EnterMaintenanceMode_Task(timeout=0))
    lines = flow.deck.json("doctor")["findings"]
    ours = [line for line in lines if line["subject"] == f"starts of {DOMAIN}"]
    assert any(host.name in line["text"] and line["level"] == "warn" for line in ours), lines
    assert any(store.name in line["text"] and "make room" in line["remedy"] for line in ours), lines
    before = recovery.calls()["RetrievePropertiesEx"]
    answered = flow.deck.run("cfo", "complete", DOMAIN, "--type", "force", "--confirm", DOMAIN, "--json")
    obstacles = [line for line in answered.stderr.splitlines() if "against: " in line]
    assert any(host.name in line and "in maintenance mode" in line for line in obstacles), answered.stderr
    assert any(f'The datastore "{store.name}" has 1 B free' in line for line in obstacles), answered.stderr
    late = f'On the datastore "{store.name}", each interval of 1s a point of {len(VMS)} VMs is to be removed'
    assert any(late in line for line in obstacles), answered.stderr
    assert any("Once all have failed over, the points of 3 VMs in 1 domain" in line for line in obstacles)
    assert recovery.calls()["RetrievePropertiesEx"] - before < 40
