"""A login that wants a password asks whoever is attached: again when it was refused, and never a robot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drdeck.controller.ipc.protocol import Listing
from drdeck.model.passwords import PROTECTED, PasswordWanted
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain
from tests.support.console.terminal import Terminal
from tests.support.vcenter.flow import Flow, MakeFlow
from tests.support.vcenter.flowsite import DOMAIN, PASSWORD
from tests.support.vcenter.vcsim import VCenter


@pytest.fixture
def flow(make_flow: MakeFlow, recovery: VCenter) -> Flow:
    """A drdeck that is told no password."""
    new_flow: Flow = make_flow(recovery, None)
    del new_flow.deck.env[PASSWORD]
    return new_flow


@pytest.fixture
def consoles() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def open_console(flow: Flow, consoles: list[Terminal], *words: str) -> Terminal:
    consoles.append(Terminal(flow.deck.argv(*words), flow.deck.env, columns=100))
    return consoles[-1]


def answer(terminal: Terminal, password: str) -> None:
    terminal.wait_for("Password for dr-west", "[ Log in ]")
    terminal.pause_for_dialog()
    terminal.press(password + "\r")


def wait_for_prompt(terminal: Terminal, times: int) -> None:
    """Wait until a command has asked so often."""
    terminal.wait_for("Password of", until=lambda: terminal.text().count("Password of") == times)


def test_on_the_command_line(flow: Flow, consoles: list[Terminal], recovery: VCenter) -> None:
    terminal = open_console(flow, consoles, "domains")
    terminal.wait_for(f"Password of {recovery.user} at 127.0.0.1:{recovery.port}:")
    terminal.press("wrong\r")
    terminal.wait_for("does not accept this user name and password")
    wait_for_prompt(terminal, 2)
    terminal.press(f"{recovery.password}\r")
    assert terminal.ended() == 0 and DOMAIN in terminal.text()
    assert [e["data"] for e in flow.journal("password_given")] == [{"of": "site"}] * 2


def test_three_times_and_no_more(flow: Flow, consoles: list[Terminal], recovery: VCenter) -> None:
    terminal = open_console(flow, consoles, "domains")
    for times in range(1, 4):
        wait_for_prompt(terminal, times)
        terminal.press("wrong\r")
    assert terminal.ended() == 5
    assert recovery.calls()["Login"] == 1 + 3, "the test's own, and one for each that was typed"


def test_a_robot_is_asked_nothing_and_locks_nobody_out(flow: Flow, recovery: VCenter) -> None:
    flow.deck.env[PASSWORD] = "wrong"
    for _ in range(5):
        assert "does not accept" in flow.refused("domains", code=5)
    assert recovery.calls()["Login"] == 1 + 1, "the test's own, and one of drdeck"


def test_whichever_console_is_attached(flow: Flow, consoles: list[Terminal], recovery: VCenter) -> None:
    """A new login is wanted in mid-flow: every console asks, one answer is enough, and the work goes on."""
    first = open_console(flow, consoles)
    answer(first, recovery.password)
    first.wait_for("Imported")
    flow.start()
    flow.complete("force", "--run-pitr", "--wait")
    second = open_console(flow, consoles)
    second.wait_for(DOMAIN, "A failover is in progress")
    second.pause_for_dialog()
    second.press("\r")
    second.wait_gone("A failover is in progress")
    recovery.change_password("changed since")
    recovery.expire_sessions()
    for console in (first, second):
        console.wait_for("Password for dr-west", "does not accept this user name")
    answer(second, "changed since")
    for console in (first, second):
        console.wait_gone("Password for dr-west")
        console.wait_gone("PASSWORD WANTED")
    flow.deck.run("pitr", "exit", DOMAIN, "--confirm", DOMAIN, "--wait")


def test_at_the_protected_site(
    make_flow: MakeFlow, recovery: VCenter, protected_vcenter: VCenter, consoles: list[Terminal]
) -> None:
    """A planned failover needs to see it; the command asks for the password of that login."""
    flow = make_flow(recovery, protected_vcenter)
    del flow.deck.env[f"{PASSWORD}_PROTECTED"]
    flow.start()
    words = ("cfo", "complete", DOMAIN, "--type", "planned")
    assert "DRDECK_PASSWORD_DR_WEST_PROTECTED" in flow.refused(*words)
    terminal = open_console(flow, consoles, *words)
    for number, password in enumerate(("wrong", protected_vcenter.password), 1):
        wait_for_prompt(terminal, number)
        terminal.press(f"{password}\r")
    assert terminal.ended() == 0, terminal.text()
    assert "op-" in terminal.text()


async def test_a_dialog_goes_when_somebody_else_has_answered() -> None:
    client = FakeClient(needs_password=True, clock=None, error="login needed")
    async with running(client, first=None) as deck:
        await deck.sees("Password for dr-west")
        client.tell(domain())
        await deck.until(lambda: deck.dialog is None, "gone")


async def test_it_asks_again_once_for_each_refusal() -> None:
    client = FakeClient(needs_password=True, clock=None, error="login needed")

    def want_password(number: int, why: str) -> None:
        wants = (PasswordWanted(user="ann", address="vc", why=why, number=number),)
        client.tell(needs_password=True, clock=None, error=why, passwords=wants)

    async with running(client, first=None) as deck:
        await deck.sees("Password for dr-west")
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "gone")
        want_password(1, "login needed")
        await deck.settle()
        assert deck.dialog is None, "what was put off is not asked again"
        want_password(2, "vc does not accept it")
        await deck.becomes_quiet()
        await deck.sees("Password for dr-west", "vc does not accept it", "of ann at vc is kept")
        await deck.press("escape")
        await deck.until(lambda: deck.dialog is None, "gone")
        await deck.press("P")
        await deck.sees("Password for dr-west")


async def test_the_protected_site_has_one_of_its_own() -> None:
    wants = (PasswordWanted(of=PROTECTED, user="bob", address="vc2", why="not known", number=7),)
    client = FakeClient(domain(), passwords=wants)
    passwords: list[tuple[str, str]] = []

    async def secret(password: str, of: str = "") -> None:
        passwords.append((password, of))

    client.secret = secret  # type: ignore[method-assign]
    async with running(client, first=None) as deck:
        await deck.sees("Password for the protected site of dr-west", "bob at vc2")
        await deck.type("word")
        await deck.press("enter")
        await deck.until(lambda: passwords == [("word", PROTECTED)], "sent")
        await deck.sees("the login at the protected site needs a password; P asks for it")
        client.tell(domain())
        await deck.until(lambda: "P asks for it" not in deck.text, "no longer wanted")
        await deck.press("P")
        await deck.sees("no login waits for a password")


def test_no_listing_tells_a_password() -> None:
    assert not any("password" in name and name != "passwords" for name in PasswordWanted.__struct_fields__)
    assert {"needs_password", "passwords"} <= set(Listing.__struct_fields__)
