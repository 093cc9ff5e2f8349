"""A password that a test can look for is nowhere: no file, no argument, no message, whatever goes wrong."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import shlex
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.appliance.sample import DOMAIN_ID, sound
from tests.support.appliance.session_check import known_at
from tests.support.appliance.stand_in import Reply, StandIn, endless
from tests.support.appliance.watching import appliance_settings
from tests.support.console.terminal import Terminal
from tests.support.deck import SITE
from tests.support.vcenter.flow import Flow, MakeFlow, eventually, settings
from tests.support.vcenter.flowsite import DOMAIN, PASSWORD
from tests.support.vcenter.vcsim import VCenter

CANARY = "canary-Zx7!q<&>-9f3e"


def forms() -> list[bytes]:
    """As it may be met: as it is, escaped, and in base64 at each place of a group of three."""
    plain = CANARY.encode()
    coded = [base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)]
    escaped = [CANARY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()]
    return [plain, *escaped, *coded, CANARY.encode("utf-16-le")]


def met(data: bytes) -> bool:
    return any(form in data for form in forms())


class Search:
    """Everything that a drdeck left or said, and the arguments of every process while it ran."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.outputs: list[bytes] = []
        self.arguments: set[bytes] = set()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.arguments.add(file.read_bytes())

    def run(self, *words: str, code: int | None = None) -> str:
        done = self.flow.deck.run(*words, code=code)
        self.outputs += [done.stdout.encode(), done.stderr.encode()]
        return done.stdout + done.stderr

    def nowhere(self, *sessions: str) -> None:
        """Fails where the password is found, or one of these session ids."""
        self.run("audit", "export")
        for words in (("tasks",), ("controller", "status")):
            self.run(*words, "--json")
        self._over.set()
        self._watcher.join()
        assert any(b"controller\0serve" in line for line in self.arguments), "the watch saw the controller"
        files = [f for f in self.flow.deck.directory.rglob("*") if f.is_file()]
        assert any(f.name == "journal.db" for f in files) and any(f.name == "controller.log" for f in files)
        logs = "".join(f.read_text("utf-8", "replace") for f in files if f.name == "controller.log")
        assert " DEBUG drdeck.sites.vsphere.vcenter.transport: " in logs, "it was written at debug"
        ids = [session.encode() for session in sessions]

        def leaked(data: bytes) -> bool:
            return met(data) or any(ident in data for ident in ids)

        leaks = [str(f) for f in files if leaked(f.read_bytes())]
        leaks += ["an argument"] * any(map(leaked, self.arguments))
        leaks += ["a message"] * any(map(leaked, self.outputs))
        assert leaks == []


Source = Callable[[Flow, Path], None]


def from_environment(flow: Flow, vault: Path) -> None:
    flow.deck.env[PASSWORD] = CANARY


def from_command(flow: Flow, vault: Path) -> None:
    """The command reads it where it is kept, as a password manager does."""
    flow.deck.env.pop(PASSWORD)
    text = flow.deck.config.read_text()
    command = f'password_command = ["cat", "{vault}"]\nroot ='
    flow.deck.config.write_text(text.replace("root =", command, 1))


def typed(flow: Flow, vault: Path) -> None:
    flow.deck.env.pop(PASSWORD)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    file = tmp_path / "vault"
    file.write_text(CANARY + "\n")
    return file


@pytest.fixture
def search(make_flow: MakeFlow, recovery: VCenter) -> Iterator[Search]:
    """A drdeck, its controller in a process of its own; the vCenter's password is the canary."""
    flow = make_flow(recovery, None, toml=settings())
    scratch = flow.deck.directory / "tmp"
    scratch.mkdir()
    # asyncio's debugging tells of every slow step, with the arguments of what was called
    flow.deck.env |= {"TMPDIR": str(scratch), "PYTHONASYNCIODEBUG": "1", "PYTHONPATH": str(ROOT)}
    flow.deck.env["DRDECK_LOG"] = "debug"  # which tells of every call that is sent
    recovery.change_password(CANARY)
    new_search = Search(flow)
    yield new_search
    new_search._over.set()


def type_it(search: Search, *words: str, typed: str = CANARY, until: str) -> None:
    """Run a command on a terminal, and answer its question for the password."""
    console = Terminal(search.flow.deck.argv(*words), search.flow.deck.env)
    try:
        console.wait_for("Password of")
        console.press(typed + "\r")
        console.wait_for(until)
    finally:
        console.close()
    search.outputs.append(console.raw)


@pytest.mark.parametrize("source", [from_environment, from_command, typed])
def test_when_all_is_well(search: Search, source: Source, vault: Path) -> None:
    source(search.flow, vault)
    search.flow.deck.here = False  # each command is a process, with arguments
    if source is typed:
        type_it(search, "domains", until=DOMAIN)
    for words in (("domains",), ("show", DOMAIN), ("doctor",), ("cfo", "start", DOMAIN, "--wait")):
        search.run(*words, code=0)
        search.run(words[0], *words[1:], "--json") if words[0] != "cfo" else None
    status = Path(f"/proc/{search.flow.deck.json('controller', 'status')['pid']}")
    if source is not from_environment:
        with contextlib.suppress(PermissionError):  # only root may look
            assert not met((status / "environ").read_bytes())
    assert "0                    0" in (status / "limits").read_text().partition("core file size")[2]
    search.nowhere()


@pytest.mark.parametrize("source", [from_environment, from_command, typed])
def test_when_the_vcenter_refuses_it(search: Search, source: Source, vault: Path, recovery: VCenter) -> None:
    source(search.flow, vault)
    recovery.change_password("another one")
    if source is typed:
        type_it(search, "domains", until="does not accept")
    assert "does not accept this user name and password" in search.run("domains", code=5)
    assert "does not accept" in search.run("doctor", code=1)
    search.nowhere()


@pytest.mark.parametrize("source", [from_environment, from_command, typed])
def test_when_the_vcenter_goes_and_comes_back_with_another_password(
    search: Search, source: Source, vault: Path, recovery: VCenter
) -> None:
    source(search.flow, vault)
    if source is typed:
        type_it(search, "domains", until=DOMAIN)
    search.run("cfo", "start", DOMAIN, "--wait", code=0)
    recovery.change_password("another one")
    recovery.expire_sessions()
    eventually(lambda: "does not accept" in search.run("domains"))
    search.run("cfo", "complete", DOMAIN, "--type", "regular", code=5)
    recovery.stop()
    search.run("show", DOMAIN, code=5)
    search.run("doctor", code=1)
    search.nowhere()


@pytest.mark.parametrize(
    "code",
    [
        "echo {canary}; echo + echo {canary} >&2; exit 3",
        "echo {canary}; sleep 60",
        "printf '{canary}\\377\\n'",
        "printf '{canary}\\001\\n'",
        "yes {canary}",
    ],
)
def test_when_its_command_fails(search: Search, vault: Path, code: str) -> None:
    """Those that sleep are ended after 30 s; here it is enough that they were begun."""
    typed(search.flow, vault)
    script = vault.with_name("script")
    script.write_text(code.format(canary=shlex.quote(CANARY)))
    text = search.flow.deck.config.read_text()
    command = f'password_command = ["sh", "{script}"]\nroot ='
    search.flow.deck.config.write_text(text.replace("root =", command, 1))
    if "sleep" in code:
        search.run("controller", "start", code=0)  # which answers before it asks for the password
        eventually(lambda: any(str(script).encode() in line for line in search.arguments))
    else:
        refusal = search.run("domains", code=5)
        assert 'password_command "sh"' in refusal and (
            "ended with 3: + echo ***" in refusal or "echo" not in code
        )
        search.run("doctor", code=1)
    search.nowhere()


def says_so(search: Search, text: str) -> bool:
    return text in search.run("--site", "msa", "domains")


def test_the_session_id_that_an_appliance_is_given(search: Search, recovery: VCenter) -> None:
    """It logs anybody in at the vCenter: also when it is refused, sent on, or answered with nonsense."""
    from_environment(search.flow, Path())
    appliance = StandIn()
    appliance.accepts = known_at(recovery)
    appliance.say(DOMAIN_ID, sound())
    deck = search.flow.deck
    with deck.config.open("a") as file:
        file.write(appliance_settings(appliance, SITE))
    deck.here = False
    try:
        for words in (("domains",), ("show", "erp-prod"), ("doctor",)):
            search.run("--site", "msa", *words, code=None)
        assert "PITR in progress" in search.run("--site", "msa", "domains", code=0)
        for reply, says in (
            (Reply(status=401), "(401)"),
            (Reply(status=403), "(403)"),
            (Reply(b"<html>", status=500), "error 500"),
            (Reply(status=302, headers={"Location": "https://elsewhere.example/"}), "(302)"),
            (Reply(pieces=endless()), "larger than 2.0 MB"),
        ):
            appliance.instead = reply
            eventually(functools.partial(says_so, search, says))
            search.run("--site", "msa", "doctor", code=1)
            appliance.instead = None
            eventually(lambda: not says_so(search, "out of sight"))
        search.run("--site", "msa", "pitr", "run", "erp-prod", "--to", "-5m", code=3)
        search.run("--site", "msa", "audit", "export")
        search.run("domains", code=0)
        on_the_screen(search, "--site", "msa")
        bundle = deck.directory / "report.tar.gz"
        search.run("--site", "msa", "doctor", "--bundle", str(bundle), code=None)
        with tarfile.open(bundle) as tar:
            tar.extractall(deck.directory / "unpacked", filter="data")
        sessions = {session for _, session in appliance.requests}
        assert all(sessions) and all(len(session) > 20 for session in sessions)
        search.nowhere(*sessions)
    finally:
        search.run("--site", "msa", "controller", "stop", "--force")
        appliance.stop()


def on_the_screen(search: Search, *words: str) -> None:
    """All that a console draws of a domain of an appliance: the list, its tabs, the steps, doctor."""
    console = Terminal(search.flow.deck.argv(*words), {**search.flow.deck.env, "TERM": "xterm"}, 120, 40)
    try:
        console.wait_for("PITR in progress")
        console.press("\r")
        console.wait_for("Configurations")
        keys = {"right": "No restore points", "t": "10  Complete", "escape": "Configurations"}
        for key, text in keys.items():
            console.press(key)
            console.wait_for(text)
        console.press("D")
        console.wait_for("accepts the vCenter session")
    finally:
        console.close()
    search.outputs.append(console.raw)


def crashing(search: Search, mistake: str) -> subprocess.Popen[bytes]:
    """A controller that makes a mistake; its stderr goes where `drdeck` lets it go, into its log."""
    deck = search.flow.deck
    words = [sys.executable, "-m", "tests.security.crashing", *deck.arguments, "--site", "dr-west"]
    (deck.state / "dr-west").mkdir(mode=0o700, parents=True)
    with (deck.state / "dr-west" / "controller.log").open("ab") as log:
        process = subprocess.Popen(
            [*words, "controller", "serve"],
            env={**deck.env, "DRDECK_TEST_MISTAKE": mistake},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def log_of(search: Search) -> str:
    return (search.flow.deck.state / "dr-west" / "controller.log").read_text()


def test_when_the_controller_fails_in_the_middle_of_a_login(search: Search, vault: Path) -> None:
    from_environment(search.flow, vault)
    process = crashing(search, "login")
    try:
        eventually(lambda: "RuntimeError: a mistake in drdeck" in log_of(search))
        assert "log_in" in log_of(search), "a traceback that names the place"
        assert "drdeck failed while watching the site" in search.run("domains", code=5)
        search.run("doctor", code=1)
        search.nowhere()
    finally:
        process.kill()
        process.wait()


def test_when_the_controller_dies_with_a_traceback(search: Search, vault: Path) -> None:
    from_environment(search.flow, vault)
    process = crashing(search, "controller")
    assert process.stdout is not None
    search.outputs.append(process.stdout.read())
    assert process.wait(60) == 1
    assert "Traceback" in log_of(search) and "a mistake in drdeck" in log_of(search)
    search.run("domains", code=0)
    search.nowhere()


def test_when_it_is_typed_into_the_console(search: Search, vault: Path) -> None:
    """Wrong first, then right; selected and copied, which writes nothing to the terminal's clipboard."""
    typed(search.flow, vault)
    console = Terminal(search.flow.deck.argv(), search.flow.deck.env)
    try:
        console.wait_for("Password for dr-west", "[ Log in ]")
        console.pause_for_dialog()
        console.press(CANARY + "-wrong")
        console.wait_for("•" * len(CANARY + "-wrong"))
        for keys in ("\x1b[1;2H", "\x03", "\x18"):  # shift+home, ctrl+c, ctrl+x
            console.press(keys)
        console.press("\r")
        console.wait_for("does not accept this user name")
        console.wait_gone("•")
        console.pause_for_dialog()
        console.press(CANARY + "\r")
        console.wait_for(DOMAIN, "Imported")
        console.press("d")
        console.ended()
    finally:
        console.close()
    assert b"\x1b]52" not in console.raw
    search.outputs.append(console.raw)
    search.nowhere()


def test_when_the_console_fails_while_it_is_typed(search: Search, vault: Path) -> None:
    """One sentence on the terminal, a traceback in its log, and in neither the value of a variable."""
    typed(search.flow, vault)
    deck = search.flow.deck
    argv = [sys.executable, "-m", "tests.security.crashing", *deck.arguments]
    console = Terminal(argv, {**deck.env, "DRDECK_TEST_MISTAKE": "console"}, columns=200)
    try:
        console.wait_for("Password for dr-west", "[ Log in ]")
        console.pause_for_dialog()
        console.press(CANARY + "\r")
        assert console.ended() == 1
    finally:
        console.close()
    screen = console.raw.decode(errors="replace")
    assert "this console ended by a mistake of its own (RuntimeError)" in screen, screen[-3000:]
    assert "Traceback" not in screen
    log = (deck.state / "dr-west" / "console.log").read_text()
    assert "Traceback" in log and "a mistake in drdeck" in log
    search.outputs.append(console.raw)
    search.nowhere()


def test_the_search_finds_what_there_is(tmp_path: Path) -> None:
    assert met(CANARY.encode()) and met(base64.b64encode(b"password: " + CANARY.encode() + b"\n"))
    assert met(f"<x>{CANARY.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</x>".encode())
    assert not met(b"canary") and os.environ.get("CANARY") is None
