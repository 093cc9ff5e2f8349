"""Addresses that others can reach, and the readiness and subnet that count for a VM (register V14)."""

from __future__ import annotations

import msgspec
import pytest

from drdeck.config.readiness import reachable_address
from drdeck.sites.vsphere.plan.parts.runbook_groups import readiness_of
from tests.support.vcenter.domain_states import settings, vm


@pytest.mark.parametrize(
    "useless",
    [
        "169.254.17.3", "fe80::1", "fe80::1%eth0", "127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.5",
        "ff02::1", "172.17.0.2", "", "no address",
    ],
)  # fmt: skip
def test_what_nobody_else_can_reach_does_not_count(useless: str) -> None:
    assert reachable_address([useless]) == ""
    assert reachable_address([useless, "10.20.0.7"]) == "10.20.0.7"


@pytest.mark.parametrize(
    ("addresses", "subnet", "counts"),
    [
        (["10.20.0.7", "10.30.0.7"], "10.30.0.0/16", "10.30.0.7"),
        (["10.20.0.7"], "10.30.0.0/16", ""),
        (["10.20.0.7"], "2001:db8::/32", ""),
        (["2001:db8::7%2"], "2001:db8::/32", "2001:db8::7%2"),
        (["172.17.0.9"], "172.17.0.0/16", "172.17.0.9"),
        (["2001:db8::7", "10.20.0.7"], "", "2001:db8::7"),
    ],
)
def test_only_what_is_in_the_subnet_counts(addresses: list[str], subnet: str, counts: str) -> None:
    assert reachable_address(addresses, subnet) == counts


@pytest.mark.parametrize(
    ("group", "domain", "of_db", "of_web"),
    [
        ("10.30.0.0/16", None, "10.30.0.0/16", ""),
        ("10.30.0.0/16", "10.20.0.0/16", "10.30.0.0/16", "10.20.0.0/16"),
        (None, "10.20.0.0/16", "10.20.0.0/16", "10.20.0.0/16"),
    ],
)
def test_a_groups_subnet_counts_before_the_domains(
    group: str | None, domain: str | None, of_db: str, of_web: str
) -> None:
    rules = settings(("database", ["db*"], 0), ready="ip")
    (database,) = rules.runbook
    database = msgspec.structs.replace(database, subnet=group)
    rules = msgspec.structs.replace(rules, subnet=domain, runbook=(database,))
    assert [readiness_of(vm(name), rules)[1] for name in ("db1", "web1")] == [of_db, of_web]
    rules = msgspec.structs.replace(rules, runbook=(msgspec.structs.replace(database, ready="power"),))
    assert [readiness_of(vm(name), rules)[1] for name in ("db1", "web1")] == [of_db, of_web]
