"""A terminal gets nothing but what drdeck itself sends, whatever stands in names and texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.nasty import raw
from tests.support.training.nasty_site import DRSEG, NETWORK, WEB
from tests.support.training.nasty_site import deck as deck
from tests.support.training.nasty_site import lesson as lesson
from tests.support.vcenter.vcsim import VCenter

OURS = re.compile(
    r"\x1b\[[0-9;?<>=]*[ -/]*[@-~]"  # cursor, colours, modes
    r"|\x1b\][0-9]+;[^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: what is asked of the terminal, the clipboard
    r"|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[()][A-Z0-9]|\x1b[=>78cM]|[\r\n\t\b\x07\x0e\x0f]"
)
ATTACKS = ("\x1b[2J\u202e", "\x1b]0;own", "\x1b[2J<U+", "own\x07")


def is_harmless(written: bytes) -> bool:
    """Whether a terminal was sent nothing but what drdeck itself sends, and no attack in that."""
    text = written.decode("utf-8", "replace")
    assert not any(attack in text for attack in ATTACKS), text[-2000:]
    rest = OURS.sub("", text)
    return raw(rest) == []


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_a_console_in_a_terminal(deck: Deck, terminals: list[Terminal], lesson: Path) -> None:
    coached = deck.argv("train", str(lesson))
    for argv in (deck.argv(), coached):
        t = Terminal(argv, deck.env)
        terminals.append(t)
        t.wait_for("Protected Domains", "U+001B", "erp")
        t.press("y")
        t.wait_for("Copied the domain's name")
        for keys, words in (
            (("enter",), "Protected VMs"),
            (("right",), "[PITR]"),
            (("right",), "[Settings]"),
            (("t",), "Task Steps of"),
            (("l",), "Task Log"),
            (("m",), "╭─"),
        ):
            t.press(*keys)
            t.wait_for(words)
        t.press("escape")
        t.wait_gone("╭─")
        t.press("?")
        t.wait_for("Keys of this screen")
        t.settle(0.3)
        assert b"\x1b]52;" in t.raw, "by the terminal's clipboard"
        assert is_harmless(t.raw)


def test_questions_in_a_terminal(deck: Deck, terminals: list[Terminal]) -> None:
    """Consent that is asked for by the command line; the name is typed as it is shown."""
    deck.run("cfo", "start", WEB, f"--network={NETWORK}={DRSEG}", "--wait")
    t = Terminal(deck.argv("cfo", "complete", WEB, "--type", "force", "--wait"), deck.env, columns=200)
    terminals.append(t)
    t.wait_for("Type the name of the domain")
    prompt = re.search(r'Type the name of the domain \("(.*?)"\)', t.text().replace("\n", ""))
    assert prompt is not None and "<U+202E>" in prompt[1]
    t.press(prompt[1], "enter")
    assert t.ended() == 0
    assert is_harmless(t.raw)


def test_a_certificate_met_first_in_a_terminal(
    tmp_path: Path, terminals: list[Terminal], vcsim_built: None
) -> None:
    """What `sites add` asks about a server of which nobody knows yet who it is."""
    server = VCenter(name='\x1b[2J\u202eown\x07"\r\nTrusted. Pin this certificate? [y/N]: y\u2066\u200b')
    try:
        root = server.layout({"erp": ["db"]}, snapshots=())
        deck = Deck(tmp_path)
        deck.config.unlink()
        words = [
            "sites",
            "add",
            "--name",
            "west",
            "--url",
            server.url,
            "--username",
            server.user,
            "--root",
            root,
        ]
        t = Terminal(deck.argv(*words), deck.env, columns=400)
        terminals.append(t)
        t.wait_for(server.thumbprint, "Pin this certificate? [y/N]")
        of = next(line for line in t.text().splitlines() if "self-signed" in line)
        for hidden in ("<U+001B>[2J<U+202E>own<U+0007>", "<U+2066><U+200B>"):
            assert hidden in of, of
        assert "Trusted. Pin" in of, "its line end begins no line"
        t.press("y", "enter")
        t.wait_for("Password")
        t.press(server.password, "enter")
        assert t.ended() == 0, t.text()
        assert is_harmless(t.raw)
        assert raw(deck.config.read_text()) == []
    finally:
        server.stop()
