"""TLS: verified by default, a pinned certificate, one met first, one that changed, and none checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.config.settings_file import load
from tests.support.console.console_deck import running
from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.vcenter.flow import Flow, MakeFlow, eventually
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter


def finding_of(flow: Flow, subject: str = "certificate") -> tuple[str, str]:
    """What the doctor says of a certificate: level and text."""
    findings = flow.deck.json("doctor", code=None)["findings"]
    [finding] = [f for f in findings if f["subject"] == subject]
    return finding["level"], finding["text"]


def instead(flow: Flow, line: str, server: VCenter | None = None) -> None:
    """Another way to believe in the recovery vCenter, or another one, than its CA file."""
    ca_file = (server or flow.recovery).ca_file
    flow.deck.config.write_text(flow.deck.config.read_text().replace(f'ca_file = "{ca_file}"', line, 1))


def test_who_until_when_and_for_which_name(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    level, text = finding_of(flow)
    assert level == "ok" and text.startswith('trusted by ca_file: of "drdeck test vCenter", self-signed')
    assert "for 127.0.0.1, valid until 20" in text and text.endswith(f"SHA-256 {recovery.thumbprint}")


def test_verified_by_default(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    instead(flow, "")
    refusal = flow.refused("domains", code=5)
    assert recovery.thumbprint in refusal and "is not trusted" in refusal and "set ca_file" in refusal
    assert recovery.calls()["Login"] == 1, "the test's own: nobody logs in where nobody is believed"
    level, text = finding_of(flow)
    assert level == "fail" and recovery.thumbprint in text and "not trusted: self-signed certificate" in text


def test_for_another_name(make_flow: MakeFlow, recovery: VCenter) -> None:
    """A certificate that is trusted, but is another host's."""
    flow = make_flow(recovery, None)
    flow.deck.config.write_text(flow.deck.config.read_text().replace("127.0.0.1", "localhost", 1))
    assert "not valid for 'localhost'" in flow.refused("domains", code=5)
    level, text = finding_of(flow)
    assert level == "fail" and "for 127.0.0.1" in text
    assert recovery.calls()["Login"] == 1


def test_a_pinned_one_that_changed(make_flow: MakeFlow, recovery: VCenter) -> None:
    """Refused in mid-session too, with both thumbprints, and nobody logs in at the new one."""
    flow = make_flow(recovery, None)
    instead(flow, f'thumbprint = "{recovery.thumbprint}"')
    assert finding_of(flow)[1].startswith("pinned: of ")
    port = recovery.port
    recovery.stop()
    other = VCenter(port=port)
    try:
        eventually(lambda: other.thumbprint in flow.deck.run("domains", code=None).stderr)
        refusal = flow.deck.run("domains", code=5).stderr
        assert (
            f"has the SHA-256 thumbprint {other.thumbprint}, and {recovery.thumbprint} is pinned" in refusal
        )
        level, text = finding_of(flow)
        assert level == "fail"
        assert f"shown is SHA-256 {other.thumbprint}, pinned is {recovery.thumbprint}" in text
        assert other.calls()["Login"] == 0
    finally:
        other.stop()


@pytest.mark.parametrize(
    ("valid", "level", "says"), [("47h", "warn", "ends in 1 day; "), ("-1h", "warn", "has ended; ")]
)
def test_one_that_ends(make_flow: MakeFlow, vcsim_built: None, valid: str, level: str, says: str) -> None:
    server = VCenter(valid=valid)
    try:
        flow = make_flow(server, None)
        instead(flow, f'thumbprint = "{server.thumbprint}"')
        finding = finding_of(flow)
        assert finding[0] == level and finding[1].startswith(f"{says}pinned: of ")
    finally:
        server.stop()


def test_one_that_has_ended_is_not_trusted(make_flow: MakeFlow, vcsim_built: None) -> None:
    server = VCenter(valid="-1h")
    try:
        flow = make_flow(server, None)
        assert "certificate has expired" in flow.refused("domains", code=5)
        assert finding_of(flow)[0] == "fail"
    finally:
        server.stop()


def test_none_checked(make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter) -> None:
    """Warned of by every command that shows the site, by the doctor, and in the journal."""
    flow = make_flow(recovery, protected_vcenter)
    instead(flow, "insecure = true")
    instead(flow, "insecure = true", protected_vcenter)
    for words in (("domains",), ("show", DOMAIN), ("show", DOMAIN, "--json"), ("cfo", "start", DOMAIN)):
        assert flow.deck.run(*words).stderr.splitlines() == [
            "warning: certificate not checked",
            "warning: protected site's certificate not checked",
        ]
    for subject, server in (("certificate", recovery), ("protected certificate", protected_vcenter)):
        level, text = finding_of(flow, subject)
        assert level == "warn" and "is not checked (insecure = true)" in text and server.thumbprint in text
    assert [e["data"] for e in flow.journal("certificate_not_checked")] == [
        {"site": "dr-west", "of": "site", "url": recovery.url},
        {"site": "dr-west", "of": "protected site", "url": protected_vcenter.url},
    ]


async def test_every_screen_warns_of_it() -> None:
    from tests.support.console.fake_client import FakeClient, in_session

    client = FakeClient(in_session(), warnings=("certificate not checked",))
    async with running(client, size=(120, 24)) as deck:
        for keys in ((), ("enter",), ("t",), ("escape", "l"), ("escape", "D")):
            await deck.press(*keys)
            await deck.until(lambda: "certificate not checked" in deck.text.splitlines()[0], "the warning")
    async with running(client) as deck:
        # without room for it in the first line it is counted there, and stands on the list in words
        await deck.sees("certificate not checked")


# --- first contact


@pytest.fixture
def adding(tmp_path: Path, recovery: VCenter) -> Iterator[tuple[Deck, list[str]]]:
    root = recovery.layout({DOMAIN: ["erp-db01"]}, snapshots=())
    deck = Deck(tmp_path)
    deck.config.unlink()
    words = ["sites", "add", "--name", "west", "--url", recovery.url, "--username", recovery.user]
    yield deck, [*words, "--root", root]


def site_of(deck: Deck) -> Any:
    site = load(deck.config).site("west")
    assert isinstance(site, VSphereSettings)
    return site


def test_met_first_it_is_shown_and_pinned_on_a_yes(adding: tuple[Deck, list[str]], recovery: VCenter) -> None:
    deck, words = adding
    terminal = Terminal(deck.argv(*words), deck.env, columns=400)
    try:
        terminal.wait_for("Pin this certificate? [y/N]")
        assert 'of "drdeck test vCenter", self-signed, for 127.0.0.1' in terminal.text()
        assert recovery.thumbprint in terminal.text() and "Password" not in terminal.text()
        terminal.press("y\r")
        terminal.wait_for("Password")
        terminal.press(f"{recovery.password}\r")
        assert terminal.ended() == 0, terminal.text()
        assert "west answers: 1 Protected Domains" in terminal.text()
    finally:
        terminal.close()
    assert site_of(deck).thumbprint == recovery.thumbprint and not site_of(deck).insecure
    assert recovery.password not in deck.config.read_text()


@pytest.mark.parametrize("answer", ["n\r", "\r"])
def test_without_a_yes_nothing_is_written_and_no_password_asked_for(
    adding: tuple[Deck, list[str]], answer: str
) -> None:
    deck, words = adding
    terminal = Terminal(deck.argv(*words), deck.env, columns=400)
    try:
        terminal.wait_for("Pin this certificate? [y/N]")
        terminal.press(answer)
        assert terminal.ended() == 5
        assert "is not trusted" in terminal.text() and "Password" not in terminal.text()
    finally:
        terminal.close()
    assert not deck.config.exists()


def test_without_a_terminal_it_is_refused(adding: tuple[Deck, list[str]], recovery: VCenter) -> None:
    deck, words = adding
    refusal = deck.run(*words, code=5).stderr
    assert recovery.thumbprint in refusal and "thumbprint after comparing" in refusal
    assert not deck.config.exists() and recovery.calls()["Login"] == 1


def test_with_the_wrong_thumbprint_there_is_no_question(
    adding: tuple[Deck, list[str]], recovery: VCenter
) -> None:
    deck, words = adding
    pinned = ":".join(["AB"] * 32)
    terminal = Terminal(deck.argv(*words, "--thumbprint", pinned), deck.env, columns=400)
    try:
        assert terminal.ended() == 5
        assert recovery.thumbprint in terminal.text() and f"{pinned} is pinned" in terminal.text()
        assert "Pin" not in terminal.text()
    finally:
        terminal.close()


def test_insecure_is_said_when_it_is_written(adding: tuple[Deck, list[str]], recovery: VCenter) -> None:
    deck, words = adding
    deck.env["DRDECK_PASSWORD_WEST"] = recovery.password
    done = deck.run(*words, "--insecure")
    assert "its certificate is not checked; that is warned of on every screen" in done.stderr
    assert site_of(deck).insecure and json.loads(deck.run("sites", "--json").stdout)["sites"]


def test_a_typed_password_that_is_wrong_is_said(adding: tuple[Deck, list[str]], recovery: VCenter) -> None:
    deck, words = adding
    terminal = Terminal(deck.argv(*words, "--thumbprint", recovery.thumbprint), deck.env, columns=400)
    try:
        terminal.wait_for("Password")
        terminal.press("wrong\r")
        assert terminal.ended() == 5
        assert "does not accept this user name and password" in terminal.text()
    finally:
        terminal.close()
    assert not deck.config.exists()
