"""The doctor: terminal, settings, controller, site, domains, room; the exit code by the worst."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drdeck import terminal
from drdeck.model.certificates import Certificate
from drdeck.settings import ConsoleSettings, DomainSettings, Duration, PitrSettings, RunbookSettings
from drdeck.sites.vsphere.connection import Endpoint
from drdeck.sites.vsphere.doctor import certificates, domains, room
from drdeck.sites.vsphere.doctor.room import Datastore
from drdeck.sites.vsphere.facts import FolderFacts, Inventory, NetworkFacts, SnapshotFact, VmFacts
from drdeck.sites.vsphere.record import Record, read
from drdeck.sites.vsphere.situation import Situation
from tests.flow.conftest import MakeFlow
from tests.flow.conftest import make_flow as make_flow
from tests.support.flow import Flow, group, settings
from tests.support.flowsite import DOMAIN, PASSWORD
from tests.support.terminal import Terminal
from tests.support.vcsim import VCenter

vcsim = pytest.mark.vcsim
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
REACHES = 'enabled = true, interval = "3h"'
"""A window that the chain of snapshots can hold, so that nothing is to be warned of."""


def said(flow: Flow, code: int | None = None) -> dict[str, list[tuple[str, str, str]]]:
    """What the doctor says, by subject: level, text, remedy."""
    told: dict[str, list[tuple[str, str, str]]] = {}
    for f in flow.deck.json("doctor", code=code)["findings"]:
        told.setdefault(f["subject"], []).append((f["level"], f["text"], f["remedy"] or ""))
    return told


# --- the site, its domains, and the exit code


@vcsim
def test_all_is_well(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    runbook = group("database", ["erp-db*"]) + group("rest", ["erp-app*", "erp-web*"])
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr=REACHES, runbook=runbook))
    told = said(flow, code=0)
    assert {level for lines in told.values() for level, _, _ in lines} == {"ok"}
    assert set(told) == {
        "terminal", "characters", "settings", "password", "controller", "journal", "site", "certificate",
        "protected site", "protected certificate", "clock", "privileges", "protected privileges", "domains",
        f"runbook of {DOMAIN}", f"restore points of {DOMAIN}", "datastore LocalDS_0",
    }  # fmt: skip
    assert "VMware vCenter Server" in told["site"][0][1] and recovery.url in told["site"][0][1]
    assert told["password"][0][1] == f"no password_command; {PASSWORD} is set"
    flow.deck.run("doctor", "--strict")


@vcsim
def test_the_exit_code_is_that_of_the_worst(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings(pitr=REACHES) + settings("no-such"))
    assert said(flow, code=0)["domain no-such"][0][0] == "warn"
    flow.deck.run("doctor", "--strict", code=1)
    recovery.deny("VirtualMachine.Interact.PowerOn")
    flow.deck.run("doctor", code=1)


@vcsim
def test_what_is_wrong_with_the_domains(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    runbook = group("database", ["erp-db*", "sql*"]) + group("all", ["erp-*"])
    flow = make_flow(recovery, protected_vcenter, toml=settings(runbook=runbook))
    recovery.add_domain("lonely")
    flow.start()
    gone = next(n._moId for n in recovery.datacenter.network if n.name == "DC0_DVPG0")
    recovery.set_attribute(DOMAIN, "drdeck.networks", f'{{"{gone}":"dvportgroup-4711"}}')
    recovery.set_room("LocalDS_0", free=50_000_000_000, capacity=1_000_000_000_000)
    told = said(flow, code=1)
    assert [text for _, text, _ in told[f"runbook of {DOMAIN}"]] == [
        'the pattern "sql*" of group "database" matches no VM',
        'erp-db01 is in group "database", which starts it, and again in "all"',
    ]
    [(level, text, remedy)] = told[f"networks of {DOMAIN}"]
    assert level == "fail" and '"DC0_DVPG0" is mapped to the network dvportgroup-4711' in text
    assert '--network "DC0_DVPG0=NAME"' in remedy
    [(level, text, remedy)] = told[f"restore points of {DOMAIN}"]
    assert level == "warn" and "points every 15m reach back 7h, and not the window of 3d" in text
    assert remedy == "set interval to 155m or more, or window to 7h"
    [(level, text, _)] = told["datastore LocalDS_0"]
    assert level == "warn" and text.startswith("50.0 GB of 1000.0 GB free; snapshots of erp-prod grow there")
    assert "no folder /DC0/vm/prod/lonely" in told["domain lonely"][0][1]


@vcsim
def test_a_site_out_of_reach_still_shows_its_certificate(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.env[PASSWORD] = "wrong"
    told = said(flow, code=1)
    assert told["site"][0][0] == "fail" and "user name and password" in told["site"][0][1]
    assert told["certificate"][0][0] == "ok" and recovery.thumbprint in told["certificate"][0][1]
    assert "privileges" not in told
    recovery.stop()
    told = said(flow, code=1)
    assert told["site"][0][0] == "fail" and "shows none now" in told["certificate"][0][1]


@vcsim
def test_a_protected_site_out_of_reach_is_a_warning(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter
) -> None:
    """A disaster is no mistake: a Force Failover does without it."""
    flow = make_flow(recovery, protected_vcenter, toml=settings(pitr=REACHES))
    protected_vcenter.stop()
    told = said(flow, code=0)
    assert told["protected site"][0][0] == "warn" and "Force Failover" in told["protected site"][0][2]
    assert told["privileges"][0][0] == "ok" and "protected privileges" not in told


@vcsim
def test_a_journal_that_was_changed(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None, toml=settings(pitr=REACHES))
    flow.start()
    with sqlite3.connect(flow.deck.state / "dr-west" / "journal.db") as journal:
        journal.execute("UPDATE events SET actor = 'nobody' WHERE id = 2")
    told = said(flow, code=1)["journal"]
    assert told[0][0] == "fail" and "event 2 was changed after it was written" in told[0][1]


def test_two_sites_with_one_variable(tmp_path: Path) -> None:
    from tests.support.deck import Deck

    vcenter = 'kind = "vsphere"\nurl = "https://vc/sdk"\nusername = "u"\nroot = "/DC0/vm/x"\n'
    deck = Deck(tmp_path, f"[sites.a-b]\n{vcenter}[sites.a_b]\n{vcenter}")
    try:
        found = deck.json("doctor")["findings"]
        [told] = [f for f in found if f["level"] == "warn" and f["subject"] == "settings"]
        assert "a-b and a_b would come from the same variable DRDECK_PASSWORD_A_B" in told["text"]
    finally:
        deck.stop()


# --- the terminal


def test_on_a_terminal_that_is_too_small_and_poor(tmp_path: Path) -> None:
    from tests.support.deck import Deck

    deck = Deck(tmp_path)
    env = {**deck.env, "TERM": "xterm", "LANG": "C", "LC_ALL": "C", "COLORTERM": ""}
    env.pop("TMUX", None)
    shown = Terminal(deck.argv("doctor"), env, columns=70, rows=30)
    try:
        assert shown.ended() == 0
    finally:
        shown.close()
        deck.stop()
    text = " ".join(shown.text().split())
    assert "warn terminal: 70 x 30, TERM xterm -> make it 80 x 24 or larger" in text
    assert 'warn colours: 16, theme dark -> set theme = "ansi"' in text
    assert "warn characters: drawn in ASCII only -> set LANG" in text


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "linux"}, "standard"),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_how_many_colours(environ: dict[str, str], colours: str | None) -> None:
    assert terminal.colours_of(environ) == colours


@pytest.mark.parametrize(
    ("passthrough", "level", "remedy"),
    [
        ("on", "ok", ""),
        ("all", "ok", ""),
        ("off", "warn", "tmux set -g allow-passthrough on"),
        (None, "ok", "if"),
    ],
)
def test_what_tmux_does_with_copies(passthrough: str | None, level: str, remedy: str) -> None:
    environ = {"TERM": "tmux-256color", "LANG": "C.UTF-8", "TMUX": "/tmp/x,1,0"}
    found = terminal.findings((80, 24), ConsoleSettings(), environ, "256", passthrough)
    [told] = [f for f in found if f.subject == "tmux"]
    assert told.level == level and told.remedy.startswith(remedy) and "OSC 52" in told.text


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux on this machine")
    command = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    subprocess.run(
        [*command, "new-session", "-d", "-s", "x"], check=True, env={"PATH": "/usr/bin:/bin", "TERM": "xterm"}
    )
    yield command
    subprocess.run([*command, "kill-server"], check=False)


@pytest.mark.parametrize("value", ["on", "off"])
def test_a_real_tmux_is_asked(tmux: list[str], value: str) -> None:
    subprocess.run([*tmux, "set", "-g", "allow-passthrough", value], check=True)
    asked = subprocess.run(
        [*tmux, "display-message", "-p", "#{socket_path},#{pid},0 #{pane_id}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    at, pane = asked.stdout.split()
    environ = {"PATH": "/usr/bin:/bin", "TMUX": at, "TMUX_PANE": pane}
    assert terminal.tmux_passthrough(environ) == value
    began = time.monotonic()
    assert terminal.tmux_passthrough({"PATH": "/usr/bin:/bin", "TMUX": "/nowhere,1,0"}) is None
    assert terminal.tmux_passthrough({}) is None and time.monotonic() - began < 10


# --- the pure parts


def vm(name: str, snapshots: int = 0, ours: bool = False, mib: int | None = None, **more: Any) -> VmFacts:
    """With snapshots an hour apart, each of which took so many MiB."""
    made = tuple(
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
    known: dict[str, Any] = {"networks": ("network-1",), "snapshots": made, **more}
    return VmFacts(id=name, name=name, parent="f", connection="connected", **known)


def situation(*vms: VmFacts, record: Record | None = None, **pitr: Any) -> Situation:
    chosen = {"enabled": True, "window": Duration(86400), "interval": Duration(3600), **pitr}
    given = DomainSettings(pitr=PitrSettings(**chosen))
    return Situation(name="erp", record=record or read({}), vms=vms, now=NOW, settings=given)


@pytest.mark.parametrize(
    ("given", "level", "text"),
    [
        (situation(vm("a", 5, ours=True)), "ok", "24 fit the window; the longest chain is 5 of 31 (a)"),
        (situation(vm("a"), vm("b", 3)), "ok", "24 fit the window; the longest chain is 3 of 31 (b)"),
        (situation(vm("a", 10)), "warn",
         "a VM can have 31 snapshots (a has 10 of others): points every 1h reach back 21h, and not"),
        (situation(vm("a"), window=Duration(10 * 86400)), "warn",
         "a VM can have 31 snapshots: points every 1h reach back 31h, and not the window of 10d"),
        (situation(vm("a", 31)), "fail", "31 snapshots or more that drdeck did not make: a; no"),
        (situation(vm("a", 40)), "fail", "31 snapshots or more that drdeck did not make: a; no"),
    ],
)  # fmt: skip
def test_chains(given: Situation, level: str, text: str) -> None:
    [told] = room.chains(given)
    assert told.level == level and told.text.startswith(text)


def test_no_chains_without_pitr() -> None:
    assert room.chains(situation(vm("a"), enabled=False)) == [] == room.chains(situation())


GB = 1_000_000_000


@pytest.mark.parametrize(
    ("store", "vms", "level", "text"),
    [
        (Datastore("d", 60 * GB, 100 * GB, True), [vm("a")], "ok", "60.0 GB of 100.0 GB free (erp)"),
        (Datastore("d", 9 * GB, 100 * GB, True), [vm("a")], "warn", "9.0 GB of 100.0 GB free; snapshots of"),
        (Datastore("d", 60 * GB, 100 * GB, False), [vm("a")], "fail", "cannot be reached; VMs of erp"),
        # 1 GiB an hour: a day of it is 25.8 GB, of which 2 hours are there already
        (Datastore("d", 60 * GB, 100 * GB, True), [vm("a", 3, mib=1024)], "ok",
         "60.0 GB of 100.0 GB free; about 23.6 GB more wanted for points (erp)"),
        (Datastore("d", 20 * GB, 100 * GB, True), [vm("a", 3, mib=1024)], "warn",
         "20.0 GB of 100.0 GB free; at the rate of late the points of erp want about 23.6 GB more"),
        (Datastore("d", 60 * GB, 100 * GB, True), [vm("a", 3, mib=1024), vm("b", 3, mib=1024),
                                                   vm("c", 3, mib=1024)], "warn", "60.0 GB"),
    ],
)  # fmt: skip
def test_datastores(store: Datastore, vms: list[VmFacts], level: str, text: str) -> None:
    [told] = room.told([situation(*vms)], {"ds": store}, {one.id: ["ds"] for one in vms})
    assert told.level == level and told.subject == "datastore d" and told.text.startswith(text)


def test_a_vm_on_two_datastores_grows_on_both() -> None:
    stores = {n: Datastore(n, 100 * GB, 100 * GB, True) for n in ("one", "two")}
    told = room.told([situation(vm("a", 3, mib=1024))], stores, {"a": ["one", "two"]})
    assert [f.text for f in told] == [
        "100.0 GB of 100.0 GB free; about 11.8 GB more wanted for points (erp)"
    ] * 2


def test_no_room_is_wanted_without_pitr() -> None:
    store = Datastore("d", 60 * GB, 100 * GB, True)
    [told] = room.told([situation(vm("a", 3, mib=1024), enabled=False)], {"ds": store}, {"a": ["ds"]})
    assert told.text == "60.0 GB of 100.0 GB free (erp)"


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
    ("given", "expected"),
    [
        (situation(vm("a")), []),
        (situation(vm("a"), record=read({"drdeck.networks": '{"network-1":"network-2"}'})), []),
        (situation(vm("a"), record=read({"drdeck.networks": '{"network-1":"network-9"}'})),
         [("fail", '"NETWORK-1" is mapped to the network network-9, which is no longer there')]),
        (situation(vm("a"), record=read({"drdeck.networks": '{"network-7":"network-9"}'})), []),
        (situation(vm("a", networks=("network-5",)), vm("b", networks=("network-5",))),
         [("warn", "a, b stand on the network network-5, which is none of this site's networks")]),
        (situation(vm("a", networks=()), vm("b")), [("warn", "on no network at all: a")]),
    ],
)  # fmt: skip
def test_networks(given: Situation, expected: list[tuple[str, str]]) -> None:
    assert [(f.level, f.text) for f in domains.networks(given, inventory())] == expected


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
    given = Situation(
        name="erp",
        record=read({}),
        vms=(vm("a1"), vm("b1")),
        now=NOW,
        settings=DomainSettings(runbook=runbook),
    )
    assert [(f.level, f.text) for f in domains.runbook(given)] == expected


SHOWN = Certificate(
    thumbprint="AB:CD", subject="vcsa.dr.example", issuer="DR CA", names=("vcsa.dr.example",),
    until=NOW + timedelta(days=400),
)  # fmt: skip


@pytest.mark.parametrize(
    ("how", "shown", "refused", "level", "text"),
    [
        ({}, SHOWN, None, "ok", 'trusted: of "vcsa.dr.example", signed by "DR CA", for vcsa.dr.example'),
        ({"ca_file": "/x"}, SHOWN, None, "ok", "trusted by ca_file: of "),
        ({}, SHOWN, "Hostname mismatch", "fail", "is not trusted: Hostname mismatch; it is of "),
        ({"insecure": True}, SHOWN, None, "warn", "is not checked (insecure = true); shown is the one of "),
        ({"thumbprint": "AB" * 32}, SHOWN, None, "fail", "is not the pinned one: shown is SHA-256 AB:CD"),
    ],
)  # fmt: skip
def test_certificates(
    how: dict[str, Any], shown: Certificate, refused: str | None, level: str, text: str
) -> None:
    endpoint = Endpoint(url="https://vcsa.dr.example/sdk", **how)
    [told] = certificates.told("certificate", endpoint, shown, refused, NOW)
    assert told.level == level and told.text.startswith(text)


def test_a_certificate_that_tells_nothing_of_itself() -> None:
    assert Certificate(thumbprint="AB").says() == "of nobody named"
    many = Certificate(thumbprint="AB", subject="x", issuer="x", names=("a", "b", "c", "d", "e"))
    assert many.says() == 'of "x", signed by itself, for a and b and c and 2 more'
