"""Networks that are mapped anew after they were chosen: before the failover, and under VMs that run."""

from __future__ import annotations

from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

SOURCE, FIRST, SECOND = "DC0_DVPG0", "VM Network", "DC0_DVPG0"


def test_networks_are_mapped_anew_before_and_after_the_failover(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = make_flow(recovery)
    assert "no continuous failover yet" in flow.refused(
        "cfo", "remap", DOMAIN, "--network", f"{SOURCE}={FIRST}"
    )
    flow.start()
    flow.deck.run("cfo", "remap", DOMAIN, "--network", f"{SOURCE}={FIRST}", "--wait")
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    assert all(FIRST in recovery.networks(vm) for vm in VMS)
    assert "no network" in flow.refused("cfo", "remap", DOMAIN, "--network", f"{SOURCE}=Nowhere", code=2)

    flow.deck.run("cfo", "remap", DOMAIN, "--network", f"{SOURCE}={SECOND}", "--wait")
    assert all(SECOND in recovery.networks(vm) for vm in VMS)
    assert flow.power() == {"on"}
    flow.deck.run("pitr", "run", DOMAIN, "--to", flow.points[-1].isoformat(), "--wait")
    assert all(FIRST not in recovery.networks(vm) for vm in VMS)
    assert flow.power() == {"on"}
