"""Cost of a quiet day of one domain in a session: counted at the vCenter, with the clocks moved by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from unittest import mock

from drdeck.sites.vsphere.record.lease import Leases
from drdeck.sites.vsphere.vcenter.connection import Credentials, Endpoint, VCenterSession
from tests.support.vcenter.vcsim import VCenter


def calls_of_a_day() -> Counter[str]:
    """SOAP calls by method of holding the lease of one domain for 24 hours."""
    vcenter = VCenter(pace=0)
    try:
        vcenter.layout({"erp": []})
        opened = VCenterSession(
            Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file)),
            Credentials(vcenter.user, vcenter.password),
        )
        opened.log_in()
        passed = timedelta()

        def clock() -> datetime:
            return datetime(2026, 1, 16, tzinfo=UTC) + passed

        leases, folder = Leases("bench@here", clock), vcenter.folder("erp")._moId
        with mock.patch("drdeck.sites.vsphere.record.lease.steady", lambda: 1000.0 + passed.total_seconds()):
            leases.hold(opened, folder)
            before = vcenter.calls()
            for _ in range(24 * 60):
                passed += timedelta(seconds=60)
                if leases.tiring(folder, quiet=True):
                    leases.hold(opened, folder, quiet=True)
            return vcenter.calls() - before
    finally:
        vcenter.stop()
