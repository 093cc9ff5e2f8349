"""Clocks of the hosts that domains run on, against vCenter's: hosts date the snapshots made on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.model.alarms import Finding
from drdeck.model.text import some
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts, decode_name
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession
from drdeck.sites.vsphere.vcenter.errors import words
from drdeck.sites.vsphere.vcenter.properties import filter_spec, object_id, retrieve

SUBJECT = "hosts' clocks"
FAR_S = 5.0
"""A host whose clock is off by more is warned of."""
MOST_HOSTS = 32
"""Hosts that are asked: each costs a call."""
_NAMED = 5


async def host_clocks(
    connection: Connection, vms: Iterable[VmFacts], vcenter_now: Callable[[], datetime]
) -> list[Finding]:
    """Clocks of the hosts of these VMs; one call and one for each host. Raises SiteError."""
    hosts = sorted({vm.host for vm in vms if vm.host})
    if not hosts:
        return []
    ahead_s, silent = await connection.command(
        lambda session: _read(session, hosts[:MOST_HOSTS], vcenter_now), "ask the hosts for their clocks"
    )
    return findings_of(ahead_s, silent, len(hosts))


def findings_of(ahead_s: Mapping[str, float], silent: Mapping[str, str], total: int) -> list[Finding]:
    """Findings out of host -> seconds ahead of vCenter's clock, and host -> why it told none. Pure."""
    findings = [
        Finding.warn(
            SUBJECT,
            f"the clock of host {host} is {abs(seconds):,.0f} s"
            f" {'ahead of' if seconds > 0 else 'behind'} vCenter's, and dates the snapshots made there",
            "run NTP on the host; points that were dated wrongly stay so",
        )
        for host, seconds in sorted(ahead_s.items())
        if abs(seconds) > FAR_S
    ]
    if silent:
        reasons = some(sorted(set(silent.values())), _NAMED)
        findings.append(
            Finding.warn(
                SUBJECT,
                f"not told by {some(sorted(silent), _NAMED)}: {reasons}",
                "compare them with vCenter's by hand: hosts date the snapshots made on them",
            )
        )
    if not findings:
        most_s = max((abs(seconds) for seconds in ahead_s.values()), default=0.0)
        rest = f" ({total} there are)" if total > len(ahead_s) else ""
        text = f"{len(ahead_s)} within {most_s:.1f} s of vCenter's{rest}"
        findings = [Finding.ok(SUBJECT, text)]
    return findings


def _read(
    session: VCenterSession, hosts: Sequence[str], vcenter_now: Callable[[], datetime]
) -> tuple[dict[str, float], dict[str, str]]:
    systems = [vim.HostSystem(host, session.stub) for host in hosts]
    spec = filter_spec(systems, {vim.HostSystem: ["name", "configManager.dateTimeSystem"]}, may_be_gone=True)
    ahead_s: dict[str, float] = {}
    silent: dict[str, str] = {}
    for content in retrieve(session, spec):
        raw: dict[str, Any] = {prop.name: prop.val for prop in content.propSet or ()}
        name = decode_name(str(raw.get("name") or object_id(content.obj)))
        system = raw.get("configManager.dateTimeSystem")
        if system is None:
            silent[name] = "vCenter shows no clock of it"
            continue
        try:
            before = vcenter_now()
            clock: datetime = system.QueryDateTime()
            after = vcenter_now()
        except vim.fault.NotAuthenticated:
            raise
        except vmodl.MethodFault as fault:  # a host that is off, or a missing privilege
            silent[name] = words(fault)
            continue
        clock = clock.replace(tzinfo=UTC) if clock.tzinfo is None else clock
        ahead_s[name] = (clock - (before + (after - before) / 2)).total_seconds()
    return ahead_s, silent
