"""How the doctor judges points, room, networks, runbooks and certificates: pure functions, as tables."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from drdeck.config.settings import DomainSettings, Duration, PitrSettings, RunbookSettings
from drdeck.model.certificates import Certificate
from drdeck.model.domains import VmQuestion
from drdeck.sites.vsphere.doctor import capacity_findings, certificate_findings, domain_findings
from drdeck.sites.vsphere.doctor.start_obstacles import Store
from drdeck.sites.vsphere.inventory.inventory_facts import (
    FolderFacts,
    Inventory,
    NetworkFacts,
    SnapshotFact,
    VmFacts,
)
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.record.attributes import read
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.vcenter.connection import Endpoint
from tests.support import ROOT

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def vm(name: str, snapshots: int = 0, ours: bool = False, mib: int | None = None, **more: Any) -> VmFacts:
    """With snapshots an hour apart, each of which took so many MiB."""
    line = tuple(
        SnapshotFact(
            id=f"{name}-{n}",
            name=f"drdeck-{(NOW + timedelta(hours=n)).isoformat().replace('+00:00', 'Z')}" if ours else "x",
            description="",
            created=NOW + timedelta(hours=n),
            parent_id=f"{name}-{n - 1}" if n else None,
            written=None if n == 0 or mib is None else mib << 20,
        )
        for n in range(snapshots)
    )
    facts: dict[str, Any] = {"networks": ("network-1",), "snapshots": line, **more}
    return VmFacts(id=name, name=name, parent="f", connection="connected", **facts)


def domain_state(*vms: VmFacts, record: Record | None = None, **pitr: Any) -> DomainState:
    values = {"enabled": True, "window": Duration(86400), "interval": Duration(3600), **pitr}
    settings = DomainSettings(pitr=PitrSettings(**{"keep": 31, **values}))
    return DomainState(name="erp", record=record or read({}), vms=vms, now=NOW, settings=settings)


@pytest.mark.parametrize(
    ("state", "level", "text"),
    [
        (domain_state(vm("a", 5, ours=True)), "ok",
         "24 fit the window and are kept; the longest chain is 5 of 31"),
        (domain_state(vm("a"), vm("b", 3)), "ok",
         "24 fit the window and are kept; the longest chain is 3 of 31"),
        (domain_state(vm("a", 10)), "warn",
         "a VM can have 31 snapshots (a has 10 of others): points every 1h reach back 21h, and not"),
        (domain_state(vm("a"), window=Duration(10 * 86400)), "warn",
         "a VM can have 31 snapshots: points every 1h reach back 31h, and not the window of 10d"),
        (domain_state(*(vm(f"a{n}") for n in range(97))), "warn",
         "a round of restore points has room for 96 of 97 VMs at some 5 s a snapshot, 8 at a time"),
        (domain_state(vm("a", 31)), "fail", "31 snapshots or more that drdeck did not make: a; no"),
        (domain_state(vm("a", 40)), "fail", "31 snapshots or more that drdeck did not make: a; no"),
    ],
)  # fmt: skip
def test_chains(state: DomainState, level: str, text: str) -> None:
    [finding] = capacity_findings.chains(state)
    assert finding.level == level and finding.text.startswith(text)


def test_a_vm_that_vcenter_asks_about_is_looked_at_like_others() -> None:
    asking = vm("a", question=VmQuestion(id="7", text="moved?", choices={"yes": "1"}))
    [finding] = capacity_findings.chains(domain_state(asking))
    assert "the longest chain is 0 of 31" in finding.text


def test_no_chains_without_pitr() -> None:
    assert (
        capacity_findings.chains(domain_state(vm("a"), enabled=False))
        == []
        == capacity_findings.chains(domain_state())
    )


GB = 1_000_000_000


def store(free: int, name: str = "d", accessible: bool = True) -> Store:
    """A datastore of 100 GB."""
    unusable = "" if accessible else "is not accessible"
    return Store(name, unusable, free, capacity=100 * GB, accessible=accessible)


def on(machine: VmFacts, *stores: str) -> VmFacts:
    return msgspec.structs.replace(machine, datastores=stores)


@pytest.mark.parametrize(
    ("store", "vms", "level", "text"),
    [
        (store(60 * GB), [vm("a")], "ok", "60.0 GB of 100 GB free (erp)"),
        (store(9 * GB), [vm("a")], "warn", "9.0 GB of 100 GB free; snapshots of"),
        (store(60 * GB, accessible=False), [vm("a")], "fail", "cannot be reached; VMs of erp"),
        # 1 GiB an hour: a day of it is 25.8 GB, of which 2 hours are there already
        (store(60 * GB), [vm("a", 3, mib=1024)], "ok",
         "60.0 GB of 100 GB free; about 23.6 GB more wanted for points (erp)"),
        (store(20 * GB), [vm("a", 3, mib=1024)], "warn",
         "20.0 GB of 100 GB free; at the rate of late the points of erp want about 23.6 GB more"),
        (store(60 * GB), [vm("a", 3, mib=1024), vm("b", 3, mib=1024),
                                                   vm("c", 3, mib=1024)], "warn", "60.0 GB"),
    ],
)  # fmt: skip
def test_datastores(store: Store, vms: list[VmFacts], level: str, text: str) -> None:
    [finding] = capacity_findings.datastores(
        [domain_state(*(on(one, "ds") for one in vms))], {"ds": store}, 4
    )
    assert finding.level == level and finding.subject == "datastore d" and finding.text.startswith(text)


def test_a_vm_on_two_datastores_grows_on_both() -> None:
    stores = {n: store(100 * GB, n) for n in ("one", "two")}
    findings = capacity_findings.datastores([domain_state(on(vm("a", 3, mib=1024), "one", "two"))], stores, 4)
    assert [f.text for f in findings] == [
        "100 GB of 100 GB free; about 11.8 GB more wanted for points (erp)"
    ] * 2


def test_removals_of_points_take_longer_than_an_interval() -> None:
    quick = domain_state(*(on(vm(f"a{n}"), "ds") for n in range(49)), interval=Duration(60))
    [finding] = capacity_findings.datastores([quick], {"ds": store(60 * GB)}, 4)
    assert finding.level == "warn" and "which takes 2m at some 5 s, 4 at a time: chains grow" in finding.text
    [finding] = capacity_findings.datastores([quick], {"ds": store(60 * GB)}, 8)
    assert finding.level == "ok"


def test_points_of_all_domains_together_take_longer_than_the_intervals() -> None:
    quick = domain_state(*(vm(f"a{n}") for n in range(49)), interval=Duration(60))
    assert capacity_findings.rounds([domain_state(vm("a"))] * 20) == []
    [finding] = capacity_findings.rounds([quick])
    assert finding.level == "warn" and "the points of 49 VMs in 1 domain, " in finding.text
    without = domain_state(*(vm(f"a{n}") for n in range(49)), interval=Duration(60), enabled=False)
    assert capacity_findings.rounds([without]) == []


def test_what_the_points_of_a_domain_meet_is_said_before_they_are_accepted() -> None:
    quick = domain_state(*(on(vm(f"a{n}"), "ds") for n in range(49)), interval=Duration(60))
    slow, apart = domain_state(on(vm("b"), "ds")), domain_state(on(vm("c"), "other"))
    without = domain_state(on(vm("d"), "ds"), enabled=False)
    states, stores = [quick, slow, apart, without], {n: store(60 * GB, n) for n in ("ds", "other")}

    def texts(of: DomainState, *among: DomainState) -> list[str]:
        hazards = capacity_findings.against_points(among or states, [of], stores, 4)
        assert {hazard.kind for hazard in hazards} <= {"points"}
        return [hazard.text for hazard in hazards]

    first, second = texts(slow)
    assert first.startswith('On the datastore "ds", each interval of 1m a point of 50 VMs is to be removed')
    assert second.startswith("Once all have failed over, the points of 51 VMs in 3 domains, ")
    of_all = capacity_findings.against_points(states, [without, slow, apart], stores, 4)
    assert [hazard.text for hazard in of_all] == [first, second], "each said once"
    assert texts(apart) == [second] and texts(without) == [] and texts(slow, slow, apart, without) == []


def test_no_room_is_wanted_without_pitr() -> None:
    without = domain_state(on(vm("a", 3, mib=1024), "ds"), enabled=False)
    [finding] = capacity_findings.datastores([without], {"ds": store(60 * GB)}, 4)
    assert finding.text == "60.0 GB of 100 GB free (erp)"


def inventory() -> Inventory:
    folder = FolderFacts(id="f", name="erp", parent="root")
    return Inventory(
        serial=1,
        root=FolderFacts(id="root", name="drdeck", parent=None),
        folders={"f": folder},
        vms={},
        networks={n: NetworkFacts(id=n, name=n.upper()) for n in ("network-1", "network-2")},
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (domain_state(vm("a")), []),
        (domain_state(vm("a"), record=read({"drdeck.networks": '{"network-1":"network-2"}'})), []),
        (domain_state(vm("a"), record=read({"drdeck.networks": '{"network-1":"network-9"}'})),
         [("fail", '"NETWORK-1" is mapped to the network network-9, which is no longer there')]),
        (domain_state(vm("a"), record=read({"drdeck.networks": '{"network-7":"network-9"}'})), []),
        (domain_state(vm("a", networks=("network-5",)), vm("b", networks=("network-5",))),
         [("warn", "a, b stand on the network network-5, which is none of this site's networks")]),
        (domain_state(vm("a", networks=()), vm("b")), [("warn", "on no network at all: a")]),
    ],
)  # fmt: skip
def test_networks(state: DomainState, expected: list[tuple[str, str]]) -> None:
    assert [(f.level, f.text) for f in domain_findings.networks(state, inventory())] == expected


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], []),
        ([("db", ["a*"]), ("web", ["b*"])], [("ok", "2 groups, 2 of 2 VMs in them")]),
        ([("db", ["a*"])], [("ok", "1 groups, 1 of 2 VMs in them; b1 in none, so started last")]),
        ([("db", ["x*"])], [("warn", 'the pattern "x*" of group "db" matches no VM')]),
        ([("db", ["a*", "?1"])], [("ok", "1 groups, 2 of 2 VMs in them")]),
        ([("db", ["*"]), ("web", ["b*"]), ("all", ["*1"])],
         [("warn", 'a1 is in group "db", which starts it, and again in "all"'),
          ("warn", 'b1 is in group "db", which starts it, and again in "web" and "all"')]),
    ],
)  # fmt: skip
def test_runbooks(groups: list[tuple[str, list[str]]], expected: list[tuple[str, str]]) -> None:
    runbook = tuple(RunbookSettings(group=name, vms=tuple(patterns)) for name, patterns in groups)
    state = DomainState(
        name="erp",
        record=read({}),
        vms=(vm("a1"), vm("b1")),
        now=NOW,
        settings=DomainSettings(runbook=runbook),
    )
    assert [(f.level, f.text) for f in domain_findings.runbook(state)] == expected


SHOWN = Certificate(
    thumbprint="AB:CD", subject="vcsa.dr.example", issuer="DR CA", names=("vcsa.dr.example",),
    until=NOW + timedelta(days=400),
)  # fmt: skip


@pytest.mark.parametrize(
    ("how", "certificate", "refused", "level", "text"),
    [
        ({}, SHOWN, None, "ok", 'trusted: of "vcsa.dr.example", signed by "DR CA", for vcsa.dr.example'),
        ({"ca_file": "/x"}, SHOWN, None, "ok", "trusted by ca_file: of "),
        ({}, SHOWN, "Hostname mismatch", "fail", "is not trusted: Hostname mismatch; it is of "),
        ({"insecure": True}, SHOWN, None, "warn", "is not checked (insecure = true); shown is the one of "),
        ({"thumbprint": "AB" * 32}, SHOWN, None, "fail", "is not the pinned one: shown is SHA-256 AB:CD"),
    ],
)  # fmt: skip
def test_certificates(
    how: dict[str, Any], certificate: Certificate, refused: str | None, level: str, text: str
) -> None:
    endpoint = Endpoint(url="https://vcsa.dr.example/sdk", **how)
    [finding] = certificate_findings.certificate_lines("certificate", endpoint, certificate, refused, NOW)
    assert finding.level == level and finding.text.startswith(text)


def test_a_certificate_that_tells_nothing_of_itself() -> None:
    assert Certificate(thumbprint="AB").says() == "of nobody named"
    many = Certificate(thumbprint="AB", subject="x", issuer="x", names=("a", "b", "c", "d", "e"))
    assert many.says() == 'of "x", self-signed, for a and b and c and 2 more'


def test_nothing_is_recommended_that_deletes() -> None:
    """Its words are followed in the worst hour: whose snapshots they are, their owner knows."""
    texts = [
        node.value
        for path in sorted((ROOT / "src" / "drdeck" / "sites" / "vsphere" / "doctor").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    orders = re.compile(r"^(delete|remove|consolidate|revert|reset)\b|[;,:.] (delete|remove)\b")
    assert [text for text in texts if orders.search(text)] == []
    assert orders.search("delete the snapshots") and orders.search("make room; remove old points")
