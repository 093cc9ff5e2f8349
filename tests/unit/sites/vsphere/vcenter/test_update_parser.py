"""Answers of a collector: read as pyVmomi reads them, whatever is in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pyVmomi import SoapStubAdapter, vmodl
from pyVmomi.SoapAdapter import SoapResponseDeserializer

from drdeck.sites.vsphere.inventory.fact_parser import folder_facts, network_facts, vm_facts
from drdeck.sites.vsphere.inventory.property_cache import PropertyCache
from drdeck.sites.vsphere.inventory.snapshot_maker import SnapshotTree, snapshot_tree
from drdeck.sites.vsphere.vcenter.update_parser import UpdateParser
from tests.support import ROOT
from tests.support.vcenter.inventory_watching import apply

ANSWERS = sorted((ROOT / "tests/support/vcenter/answers").glob("*.xml"))
MAKERS = {"VirtualMachineSnapshotInfo": snapshot_tree}
STUB = SoapStubAdapter(host="nowhere", version="vim.version.version11")
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<e:Body><WaitForUpdatesExResponse xmlns="urn:vim25">{}</WaitForUpdatesExResponse></e:Body></e:Envelope>'
)


class Trickle(io.BytesIO):
    """An answer that comes in pieces, whose ends are anywhere."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(97)


def by_library(data: bytes) -> Any:
    return SoapResponseDeserializer(STUB).Deserialize(
        io.BytesIO(data), vmodl.query.PropertyCollector.UpdateSet
    )


def by_ours(data: bytes, cache: PropertyCache) -> tuple[UpdateParser, set[tuple[str, str]]]:
    taken = cache.begin()
    parser = UpdateParser(taken.take, MAKERS, STUB)
    parser.read(Trickle(data))
    return parser, taken.end()


def plain(value: Any) -> Any:
    """A value without what tells the two readers apart."""
    if isinstance(value, SnapshotTree) or type(value).__name__ == "vim.vm.SnapshotInfo":
        facts = vm_facts("vm-0", {"snapshot": value})
        return facts.snapshots, facts.current_snapshot
    if hasattr(value, "_GetMoId"):
        return "reference", getattr(value, "kind", "") or type(value)._wsdlName, value._GetMoId()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int) else repr(value)


def alike(data: bytes, before: bytes | None = None) -> UpdateParser:
    """Both read it, after an earlier answer, and have the same; the parser."""
    ours, library = PropertyCache(), PropertyCache()
    if before is not None:
        by_ours(before, ours)
        apply(library, by_library(before))
    parser, touched = by_ours(data, ours)
    update = by_library(data)
    if update is None:
        assert (parser.version, parser.truncated, touched) == ("", False, set())
        return parser
    assert (parser.version, parser.truncated) == (update.version, bool(update.truncated))
    assert apply(library, update) == touched
    for kind in ours.objects.keys() | library.objects.keys():
        left, right = ours.of(kind), library.of(kind)
        assert left.keys() == right.keys()
        for ident in left:
            assert {k: plain(v) for k, v in left[ident].items()} == {
                k: plain(v) for k, v in right[ident].items()
            }
            if kind == "VirtualMachine":
                facts = [
                    vm_facts(ident, raw.of(kind)[ident], (), raw.of("VirtualApp")) for raw in (ours, library)
                ]
                assert facts[0] == facts[1]
            elif kind == "Folder":
                assert folder_facts(ident, left[ident]) == folder_facts(ident, right[ident])
            elif "Network" in kind or "Portgroup" in kind:
                assert network_facts(ident, left[ident]) == network_facts(ident, right[ident])
    return parser


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_what_was_recorded(path: Path) -> None:
    first = ANSWERS[0].read_bytes()
    parser = alike(path.read_bytes(), None if path == ANSWERS[0] else first)
    # what there is one of for each VM goes another way only where it is rare
    assert "VirtualMachineSnapshotInfo" not in parser.by_library
    assert {"ManagedObjectReference", "string", "boolean", "int"}.isdisjoint(parser.by_library)


def test_an_answer_without_news() -> None:
    assert alike(ENVELOPE.format("").encode()).version == ""


def value(kind: str, text: str, more: str = "") -> bytes:
    change = f'<changeSet><name>x</name><op>assign</op><val xsi:type="{kind}"{more}>{text}</val></changeSet>'
    thing = f'<objectSet><kind>enter</kind><obj type="VirtualMachine">vm-1</obj>{change}</objectSet>'
    filters = f'<filterSet><filter type="PropertyFilter">f</filter>{thing}</filterSet>'
    return ENVELOPE.format(f"<returnval><version>1</version>{filters}</returnval>").encode()


def test_changes_count_in_their_order() -> None:
    """The last value of a property counts."""
    change = '<changeSet><name>x</name><op>assign</op><val xsi:type="xsd:string">{}</val></changeSet>'
    changes = "".join(change.format(text) for text in "acb")
    thing = f'<objectSet><kind>enter</kind><obj type="VirtualMachine">vm-1</obj>{changes}</objectSet>'
    filters = f'<filterSet><filter type="PropertyFilter">f</filter>{thing}</filterSet>'
    data = ENVELOPE.format(f"<returnval><version>1</version>{filters}</returnval>").encode()
    alike(data)
    cache = PropertyCache()
    by_ours(data, cache)
    assert dict(cache.of("VirtualMachine")) == {"vm-1": {"x": "b"}}


LETTERS = some.text(some.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"))


@given(LETTERS)
def test_any_text(text: str) -> None:
    alike(value("xsd:string", escape(text)))


@given(some.integers(-(2**31), 2**31 - 1))
def test_any_number(number: int) -> None:
    alike(value("xsd:int", str(number)))


@pytest.mark.parametrize("text", ["true", "false", "1", "0", "TRUE", "False"])
def test_truth(text: str) -> None:
    alike(value("xsd:boolean", text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("xsd:double", "1.5"),
        ("xsd:dateTime", "2026-01-16T22:42:00Z"),
        ("ArrayOfString", "<string>a</string><string>b</string>"),
        ("ArrayOfInt", "<int>1</int>"),
        ("ArrayOfManagedObjectReference", ""),
        ("VirtualMachineToolsStatus", "toolsOk"),
        ("ArrayOfTag", "<Tag><key>SYSTEM/DVS.UPLINKPG</key></Tag>"),
        (
            "GuestInfo",
            "<toolsStatus>toolsOk</toolsStatus><net><network>a</network><connected>true</connected></net>",
        ),
        ("VirtualMachineSnapshotInfo", ""),
    ],
)
def test_other_types_go_to_the_library(kind: str, text: str) -> None:
    alike(value(kind, text))


NODES: some.SearchStrategy[Any] = some.recursive(
    some.just([]),
    lambda below: some.lists(some.tuples(LETTERS, some.booleans(), below), max_size=3),
    max_leaves=8,
)
TIMES = some.sampled_from(
    ["2026-01-16T22:42:00Z", "2026-01-16T22:42:00.5Z", "2026-01-16T22:42:00.123456789Z",
     "2026-01-16T23:42:00.1+01:00", "2026-01-16T22:42:00", "2026-01-16T24:00:00Z", "2026-01-16"]
)  # fmt: skip


@given(NODES, TIMES)
def test_any_tree_of_snapshots(tree: Any, at: str) -> None:
    count = 0

    def written(node: Any, tag: str) -> str:
        nonlocal count
        name, memory, below = node
        count += 1
        own = f'<snapshot type="VirtualMachineSnapshot">snapshot-{count}</snapshot>'
        state = "poweredOn" if memory else "poweredOff"
        rest = (
            f'<vm type="VirtualMachine">vm-1</vm><name>{escape(name)}</name>'
            f"<description>{escape(name)}</description>"
            f"<id>{count}</id><createTime>{at}</createTime><state>{state}</state><quiesced>false</quiesced>"
        )
        return f"<{tag}>{own}{rest}{''.join(written(each, 'childSnapshotList') for each in below)}</{tag}>"

    inside = "".join(written(node, "rootSnapshotList") for node in tree)
    current = (
        f'<currentSnapshot type="VirtualMachineSnapshot">snapshot-{count}</currentSnapshot>' if count else ""
    )
    alike(value("VirtualMachineSnapshotInfo", current + inside))


@given(some.integers(0, 10_000))
def test_an_answer_that_breaks_off_is_refused(length: int) -> None:
    data = ANSWERS[0].read_bytes()[:length]
    with pytest.raises(ExpatError):
        by_ours(data, PropertyCache())


def test_a_type_that_nobody_knows_is_refused_by_both() -> None:
    data = value("NoSuchThing", "<a/>")
    with pytest.raises(Exception) as theirs:
        by_library(data)
    with pytest.raises(type(theirs.value)):
        by_ours(data, PropertyCache())


def test_events_that_are_known_are_not_read_again() -> None:
    """A page of events comes whole, whichever of them is new."""
    event = (
        '<Event xsi:type="VmPoweredOnEvent"><key>{key}</key><chainId>1</chainId>'
        "<createdTime>2026-11-28T12:00:00Z</createdTime><userName>u</userName><template>false</template></Event>"
    )
    page = "".join(event.format(key=key) for key in (7, 8, 9))
    data = ENVELOPE.format(
        "<returnval><version>1</version><filterSet><filter type='PropertyFilter'>f</filter><objectSet>"
        "<kind>modify</kind><obj type='EventHistoryCollector'>c</obj><changeSet><name>latestPage</name>"
        f"<op>assign</op><val xsi:type='ArrayOfEvent'>{page}</val></changeSet></objectSet></filterSet>"
        "</returnval>"
    ).encode()
    taken: list[Any] = []
    parser = UpdateParser(lambda thing, kind, changes: taken.extend(changes), MAKERS, STUB)
    parser.known_event = lambda key: key in ("7", "9")
    parser.read(io.BytesIO(data))
    assert [change.name for change in taken] == ["latestPage"]
    assert [event.key for event in taken[0].val] == [8]
