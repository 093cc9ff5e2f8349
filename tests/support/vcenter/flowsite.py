"""Two vCenters laid out for a failover, and a drdeck that knows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.console.terminal import poll
from tests.support.deck import SITE, Deck, vsphere_settings
from tests.support.vcenter.vcsim import VCenter

DOMAIN = "erp-prod"
VMS = ["erp-db01", "erp-app01", "erp-web01"]
PASSWORD = "DRDECK_PASSWORD_DR_WEST"

PITR_DOMAIN = f"""
[sites.{SITE}.domains.{DOMAIN}]
pitr = {{ enabled = true, window = "3d", interval = "15m" }}
ready = "tools"
ready_timeout = "60s"
shutdown_timeout = "20s"
undo = false
[[sites.{SITE}.domains.{DOMAIN}.runbook]]
group = "database"
vms = ["erp-db*"]
delay_after = "0.2s"
[[sites.{SITE}.domains.{DOMAIN}.runbook]]
group = "application"
vms = ["erp-app*"]
"""


def instants(minutes: tuple[int, ...] = (60, 40, 20)) -> list[datetime]:
    """So many minutes ago, in whole seconds, oldest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [now - timedelta(minutes=m) for m in minutes]


def lay_out(
    recovery: VCenter, protected: VCenter | None, points: list[datetime], names: list[str] | None = None
) -> str:
    """A recovery vCenter with replicas that have snapshots, and the protected VMs; returns the root."""
    vms = names or VMS
    root = recovery.layout({DOMAIN: vms}, snapshots=[(f"replica {i}", at) for i, at in enumerate(points)])
    if protected is not None:
        protected.protected_layout({DOMAIN: vms})
    return root


def deck(
    directory: Path, recovery: VCenter, root: str, protected: VCenter | None, domains: str, extra: str = ""
) -> Deck:
    passwords = {PASSWORD: recovery.password}
    if protected is not None:
        passwords[PASSWORD + "_PROTECTED"] = protected.password
    return Deck(directory, vsphere_settings(recovery, root, protected, domains, extra), passwords)


def boot(vcenter: VCenter) -> None:
    """Every guest comes up: as soon as its VM runs, its tools do."""
    waiting = set(VMS)

    def all_up() -> bool:
        for vm in list(waiting):
            if vcenter.power(vm) == "on":
                vcenter.set_tools(vm, True)
                waiting.discard(vm)
        return not waiting

    poll(all_up, 60)


MakeDeck = Callable[[VCenter, VCenter], Deck]
