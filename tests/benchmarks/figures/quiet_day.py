"""Cost of a quiet day of domains in a session: counted at the vCenter, with the clocks moved by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from unittest import mock

from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.record.leases.lease import Leases
from drdeck.sites.vsphere.vcenter.connection import POLL_S, Connection, Endpoint
from drdeck.sites.vsphere.vcenter.heartbeat import BEAT_S, Heartbeat
from tests.support.vcenter.vcsim import VCenter

DAY_S = 86_400
DEFINING = ("AddCustomFieldDef", "RemoveCustomFieldDef")


class Counted(NamedTuple):
    """What a vCenter counted of a site of so many domains, all in a quiet session.

    Bytes are those of requests and answers, without HTTP's headers.
    """

    domains: int
    renewals: float
    """of one domain, a day"""
    definitions: int
    renewal_bytes: float
    read_bytes: int
    """of a reading of all attributes, when nothing was told for long"""
    folder_bytes: int
    """of a reading of one folder's: after each renewal, which the collector tells with as many"""
    poll_bytes: int
    beat_bytes: int


class Cost(NamedTuple):
    """What a site costs its vCenter a day."""

    events: float
    calls: float
    bytes: float


def cost_of_a_day(single: Counted, many: Counted, domains: int) -> Cost:
    """The cost at any number of domains: a reading of all of them grows with it by a line."""

    def at(small: float, large: float) -> float:
        return small + (large - small) * (domains - single.domains) / (many.domains - single.domains)

    renewals = domains * max(single.renewals, many.renewals)
    readings, beats = DAY_S / POLL_S, DAY_S / BEAT_S
    polls = readings + renewals
    sent = renewals * (many.renewal_bytes + 2 * many.folder_bytes) + readings * at(
        single.read_bytes, many.read_bytes
    )
    return Cost(
        renewals,
        2 * renewals + 2 * polls + beats,
        sent + polls * single.poll_bytes + beats * single.beat_bytes,
    )


async def counted(vcenter: VCenter, domains: int, rounds: int = 1) -> Counted:
    """Count leases for so many renewals of each, by clocks that are moved, and one look of the watching."""
    names = [f"domain{number:03}" for number in range(domains)]
    vcenter.layout({name: [] for name in names})
    folders = [vcenter.folder(name)._moId for name in names]
    connection = Connection(
        Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file)), vcenter.user, vcenter.password, poll_s=1
    )
    await connection.open()
    try:
        passed = timedelta()

        def clock() -> datetime:
            return datetime(2026, 1, 16, tzinfo=UTC) + passed

        leases, opened = Leases("bench@here", clock), connection.commands
        with mock.patch(
            "drdeck.sites.vsphere.record.leases.lease.steady", lambda: 1000.0 + passed.total_seconds()
        ):
            for folder in folders:
                leases.hold(opened, folder, quiet=True)
            calls, sent = vcenter.calls(), vcenter.bytes_of_calls()
            renewals = 0
            while renewals < rounds * domains:
                passed += timedelta(seconds=1)
                for folder in folders:
                    if leases.tiring(folder, quiet=True):
                        leases.hold(opened, folder, quiet=True)
                        renewals += 1
            period_s = passed.total_seconds() / rounds
            calls, sent = vcenter.calls() - calls, vcenter.bytes_of_calls() - sent
        watch, heart = InventoryWatch(connection, vcenter.root), Heartbeat(connection)
        await watch.refresh()
        look = await _looked(vcenter, watch, heart)
        before = vcenter.bytes_of_calls()
        await connection.poll(lambda session: watch._read_attributes_of(session, {folders[0]}), "read")
        of_one = (vcenter.bytes_of_calls() - before)["RetrievePropertiesEx"]
        written = calls["SetField"]
        return Counted(
            domains,
            written / domains / rounds * round(DAY_S / period_s),
            sum(calls[name] for name in DEFINING),
            sent.total() / written,
            look["RetrievePropertiesEx"],
            of_one,
            look["WaitForUpdatesEx"],
            look["CurrentTime"],
        )
    finally:
        await connection.close()


async def _looked(vcenter: VCenter, watch: InventoryWatch, heart: Heartbeat) -> Counter[str]:
    """Bytes of one long poll that tells nothing, one reading of all attributes and one heartbeat.

    The poll may bring a reading of its own, where the one before took little: bytes are those of one call."""
    before, calls = vcenter.bytes_of_calls(), vcenter.calls()
    await watch.connection.poll(watch._long_poll, "poll")
    await watch.refresh_attributes()
    await heart.beat()
    sent, times = vcenter.bytes_of_calls() - before, vcenter.calls() - calls
    return Counter({method: size // times[method] for method, size in sent.items() if times[method]})
