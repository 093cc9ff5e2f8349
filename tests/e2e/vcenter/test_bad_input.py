"""What an operator may get wrong: one clear sentence, the right exit code, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.console.terminal import poll
from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN, PASSWORD, VMS
from tests.support.vcenter.vcsim import VCenter


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory, vcsim_built: None) -> object:
    """An imported domain; no test may change it."""
    server = VCenter(boot=0.2)
    protected = VCenter()
    new_flow = Flow(tmp_path_factory.mktemp("bad"), server, protected)
    yield new_flow
    new_flow.stop()
    server.stop()
    protected.stop()


RUN = ("pitr", "run", DOMAIN, "--to")
REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "unknown domain": (("cfo", "start", "crm"), 2, 'no Protected Domain "crm"; there are: "erp-prod"'),
    "unknown domain shown": (("show", "crm"), 2, "no Protected Domain"),
    "unknown domain watched": (("watch", "crm", "--until", "session"), 2, "no Protected Domain"),
    "points of an unknown domain": (("pitr", "points", "crm"), 2, "no Protected Domain"),
    "no domain": (("cfo", "start"), 2, "Missing argument"),
    "unknown VM": (("pitr", "start", DOMAIN, "--vm", "x"), 2, 'has no VM named "x"'),
    "unknown source": (("cfo", "start", DOMAIN, "--network", "x=VM Network"), 2, 'on a network "x"'),
    "unknown network": (("cfo", "start", DOMAIN, "--network", "DC0_DVPG0=x"), 2, 'no network "x"'),
    "half a mapping": (("cfo", "start", DOMAIN, "--network", "x"), 2, "wants FROM=TO"),
    "unknown type": (("cfo", "complete", DOMAIN, "--type", "x"), 2, "not one of"),
    "no type": (("cfo", "complete", DOMAIN), 2, "--type"),
    "unknown answer": (("answer", "op-1", "perhaps"), 2, "not one of"),
    "unknown operation": (("answer", "op-1", "retry"), 2, 'no operation "op-1"'),
    "unknown command": (("failback",), 2, "No such command"),
    "unknown state": (("watch", DOMAIN, "--until", "done"), 2, "not one of"),
    "until without a domain": (("watch", "--until", "session"), 2, "needs a DOMAIN"),
    "bad time": ((*RUN, "soon"), 2, "is not a time"),
    "unknown site": (("--site", "east", "domains"), 2, 'no site "east"'),
    "complete while imported": (("cfo", "complete", DOMAIN, "--type", "regular"), 3, 'is "Imported"'),
    "force while imported": (
        ("cfo", "complete", DOMAIN, "--type", "force", "--confirm", DOMAIN), 3, 'is "Imported"',
    ),
    "session while imported": (("pitr", "start", DOMAIN), 3, "does not own"),
    "rollback without a session": ((*RUN, "-15m"), 3, "has no PITR session"),
    "exit without a session": (("pitr", "exit", DOMAIN), 3, "has no PITR session"),
    "read-only": (("--read-only", "cfo", "start", DOMAIN), 3, "read-only"),
    "answering read-only": (("--read-only", "answer", "op-1", "retry"), 3, "read-only"),
    "no terminal": (("console",), 2, "needs a terminal"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(flow: Flow, case: str) -> None:
    words, code, message = REFUSED[case]
    assert message in flow.refused(*words, code=code)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hue = 1", "hue: unknown key"),
        ("parallel = 0", "a whole number from 1 to 64"),
        ('parallel = "8"', "parallel"),
        ('password = "x"', "drdeck keeps no password in a file"),
    ],
)
def test_settings(flow: Flow, tmp_path: Path, line: str, message: str) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        flow.deck.config.read_text().replace("parallel = 8", "").replace("root =", f"{line}\nroot =", 1)
    )
    stderr = flow.refused("--config", str(wrong), "domains", code=2)
    assert message in stderr and str(wrong) in stderr and "line" in stderr


Change = Callable[[str, VCenter], str]
UNREACHABLE: dict[str, tuple[Change, str]] = {
    "wrong host": (lambda t, v: t.replace("127.0.0.1", "no-such-host.invalid", 1), "name is not known"),
    "wrong port": (lambda t, v: t.replace(str(v.port), "1", 1), "connection refused"),
    "wrong certificate": (
        lambda t, v: t.replace(f'ca_file = "{v.ca_file}"', f'thumbprint = "{":".join(["AB"] * 32)}"', 1),
        "is pinned",
    ),
    "unknown certificate": (lambda t, v: t.replace(f'ca_file = "{v.ca_file}"', "", 1), "is not trusted"),
    "wrong path": (lambda t, v: t.replace("/sdk", "/nothing", 1), "HTTP: 404"),
    "missing root": (lambda t, v: t.replace("/DC0/vm/drdeck", "/DC0/vm/dredk", 1), "/DC0/vm has"),
    "root that is no folder": (lambda t, v: t.replace("/DC0/vm/drdeck", "/DC0/host", 1), "no VM folder"),
    "wrong password": (lambda t, v: t, "user name and password"),
    "no password": (lambda t, v: t, "set DRDECK_PASSWORD_DR_WEST"),
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_unreachable(flow: Flow, tmp_path: Path, case: str) -> None:
    change, message = UNREACHABLE[case]
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(change(flow.deck.config.read_text(), flow.recovery))
    password = flow.deck.env[PASSWORD]
    if "password" in case:
        flow.deck.env[PASSWORD] = "" if case == "no password" else "wrong"
    state = ("--config", str(wrong), "--state", str(tmp_path / "state"))
    try:
        for words in (("domains",), ("cfo", "start", DOMAIN)):
            assert message in flow.refused(*state, *words, code=5)
        findings = flow.deck.json(*state, "doctor", code=1)["findings"]
        assert any(message in f["text"] and f["level"] == "fail" and f["subject"] == "site" for f in findings)
    finally:
        flow.deck.run(*state, "controller", "stop", "--force")
        flow.deck.env[PASSWORD] = password


NONSENSE = {
    "drdeck.mode": '{"mode":"sideways"}',
    "drdeck.failover": "hello",
    "drdeck.session": '{"id":"op-1","state":"active","started":"2026-01-01T00:00:00"}',
    "drdeck.pitr": '{"reset":"9999-12-31T23:59:59Z"}',
    "drdeck.excluded": "zz-1",
    "drdeck.networks": '{"a":',
    "drdeck.skipped": "[" * 200,
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_attribute_that_makes_no_sense(make_flow: MakeFlow, recovery: VCenter, name: str) -> None:
    flow = make_flow(recovery, None, {DOMAIN: VMS[:1], "other": ["x"]}, settings() + settings("other"))
    recovery.set_attribute(DOMAIN, name, NONSENSE[name])
    domain = flow.show()
    assert [a["kind"] for a in domain["alarms"]] == ["record"] and name in domain["alarms"][0]["text"]
    for words in (("cfo", "start", DOMAIN), ("pitr", "start", DOMAIN), ("pitr", "points", DOMAIN)):
        assert name in flow.refused(*words)
    findings = flow.deck.json("doctor", code=1)["findings"]
    assert any(f["level"] == "fail" and name in f["text"] for f in findings)
    flow.start("other")
    assert flow.show("other")["mode"] == "synchronised", "the other domains are not held up by it"


def test_a_site_that_goes_away(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    assert flow.deck.json("domains")["stale_s"] == 0
    ident = flow.complete("force", "--run-pitr", "--wait")
    assert ident in flow.refused("controller", "stop"), "an operation is open"
    assert "session" in flow.refused("cfo", "complete", DOMAIN, "--type", "regular")
    seen_at, looks = flow.deck.json("domains")["seen_at"], recovery.calls()["CurrentTime"]
    poll(lambda: recovery.calls()["CurrentTime"] > looks + 1, 60)
    recovery.stop()
    flow.until_lost()
    listed = flow.deck.json("domains", code=5)
    was = datetime.fromisoformat
    assert was(listed["seen_at"]) > was(seen_at), "it was heard of after it had changed last"
    assert listed["stale_s"] > 0 and listed["domains"][0]["mode"] == "pitr_session"
    assert flow.deck.run("show", DOMAIN, code=5).stdout.startswith(DOMAIN)
    for words in (("pitr", "exit", DOMAIN), ("pitr", "points", DOMAIN)):
        done = flow.deck.run(*words, code=5)
        assert done.stdout == "" and str(recovery.port) in done.stderr
    assert flow.deck.json("tasks")["operations"][0]["id"] == ident
