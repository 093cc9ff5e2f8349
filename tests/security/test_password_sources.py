"""Where a password comes from: a command, the environment, a person; and when it is not sent again."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from drdeck.controller.passwords import password_command
from drdeck.controller.passwords.password_command import CommandFailed
from drdeck.controller.passwords.password_store import (
    COMMAND_REST_S,
    REFUSED_REST_S,
    WORKED_RETRY_S,
    PasswordStore,
    UnusablePassword,
)
from drdeck.model.passwords import PROTECTED, Login, Password, wrong_with
from drdeck.sites.contract import LoginRefused
from tests.support.console.terminal import poll

CANARY = "canary-3b1d"
VARIABLE = "DRDECK_PASSWORD_DR_WEST"


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


# --- the command


@pytest.mark.parametrize(
    ("code", "password"),
    [
        (f"print('{CANARY}')", CANARY),
        (f"print('{CANARY}\\nand a second line')", CANARY),
        (f"print('{CANARY}', end='')", CANARY),
        (f"print('{CANARY}\\r')", CANARY),
        (f"print('  {CANARY}  ')", f"  {CANARY}  "),
        ("print('pässwörd ✓')", "pässwörd ✓"),
    ],
)
def test_the_first_line_is_the_password(code: str, password: str) -> None:
    password_read = password_command.run(script(code), {**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert password_read == password
    assert password.strip() not in repr(password_read) and password.strip() not in f"{[password_read]}"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("no-such-command-anywhere", CANARY), '"no-such-command-anywhere" was not found'),
        (("~/bin/secret",), "run without a shell, so ~, $ and | mean nothing"),
        (("/",), "cannot be run: Permission denied"),
        (("a\0b",), "cannot be run"),
        (script("import sys; sys.exit('vault is sealed')"), "ended with 1: vault is sealed"),
        (script("import sys; sys.stderr.write('one\\ntwo\\n'); sys.exit(3)"), "ended with 3: one two"),
        (script("import sys; sys.stderr.write('\\x1b[31mred'); sys.exit(3)"), "3: <U+001B>[31mred"),
        (script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "ended by signal 9"),
        (script("import sys; sys.stderr.write('not unlocked')"), "printed nothing: not unlocked"),
        (script("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')"), "is not UTF-8"),
        (script("while True: print('x' * 10000)"), "printed more than 64 KiB"),
        (script("import sys\nwhile True: sys.stderr.write('x' * 10000)"), "printed more than 64 KiB"),
    ],
)  # fmt: skip
def test_a_command_that_gives_none(command: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        password_command.run(command, {**os.environ, "PYTHONIOENCODING": "utf-8"})
    text = str(failed.value)
    assert says in text and "\n" not in text and CANARY not in text and len(text) < 500


def test_what_it_had_printed_is_not_told_with_what_it_complains_of() -> None:
    """As a shell script with `set -x` does that fails after it has printed the password."""
    code = f"import sys; print('{CANARY}'); sys.stderr.write('+ echo {CANARY}\\nno such entry'); sys.exit(2)"
    with pytest.raises(CommandFailed, match=r"ended with 2: \+ echo \*\*\* no such entry"):
        password_command.run(script(code), os.environ)


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    command = ("sh", "-c", 'sleep 600 & echo $! > "$0"; sleep 600', str(left))
    with pytest.raises(CommandFailed, match=r"did not end within 3 s"):
        password_command.run(command, os.environ, timeout_s=3)
    pid = int(left.read_text())
    poll(lambda: not _alive(pid), 60)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    """An agent that a command starts may hold its output open for ever."""
    left = tmp_path / "pid"
    command = ("sh", "-c", f'sleep 600 & echo $! > "$0"; echo {CANARY}', str(left))
    assert password_command.run(command, os.environ) == CANARY, "or it would not have ended in time"
    pid = int(left.read_text())
    assert _alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_it_gets_no_shell_no_terminal_and_no_passwords() -> None:
    environ = {**os.environ, VARIABLE: CANARY, "DRDECK_PASSWORD_X": "y", "KEPT": "1"}
    code = (
        "import os, sys\n"
        "seen = [k for k in os.environ if 'DRDECK_PASSWORD' in k]\n"
        "print(seen, os.environ['KEPT'], sys.argv[1:], sys.stdin.read() == '', os.getsid(0) == os.getpid())"
    )
    output = password_command.run((*script(code), "$KEPT", "a b;c"), environ)
    assert output == "[] 1 ['$KEPT', 'a b;c'] True True"


# --- which one, and when


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_runs_in_one_directory_wherever_drdeck_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert password_command.run(("pwd",), os.environ).text == "/"


def test_the_order_of_the_sources() -> None:
    passwords = PasswordStore("dr-west", {VARIABLE: "from the environment"})
    assert passwords.get(Login()) == "from the environment"
    assert passwords.get(Login(command=script("print('from the command')"))) == "from the command"
    passwords.give("typed")
    assert passwords.get(Login(command=script("print('from the command')"))) == "typed"
    assert "typed" not in repr(passwords) and "typed" not in repr(passwords.get(Login()))


def test_each_login_has_its_own() -> None:
    passwords = PasswordStore("dr-west", {f"{VARIABLE}_PROTECTED": "there", VARIABLE: "here"})
    assert (passwords.get(Login()), passwords.get(Login(of=PROTECTED))) == ("here", "there")
    passwords.give("typed", PROTECTED)
    assert (passwords.get(Login()), passwords.get(Login(of=PROTECTED))) == ("here", "typed")


def test_none_is_known() -> None:
    passwords = PasswordStore("dr-west", {})
    for _ in range(3):
        with pytest.raises(
            LoginRefused, match=rf"type it at a console, set {VARIABLE}, or set password_command"
        ):
            passwords.get(Login(user="ann", address="vc"))
    [question] = passwords.open_logins()
    assert (question.user, question.address, question.number) == ("ann", "vc", 1)


def test_a_refused_password_is_not_sent_again_soon() -> None:
    """An unattended controller tries for ever: it must not lock the user out at the vCenter."""
    clock, login = Clock(), Login()
    passwords = PasswordStore("dr-west", {VARIABLE: "wrong"}, clock)
    sent = 0
    for _ in range(int(REFUSED_REST_S) * 3):
        clock.now += 1
        try:
            passwords.get(login)
        except LoginRefused as error:
            assert str(error) == "not accepted"
        else:
            sent += 1
            passwords.refused(login, "not accepted")
    assert sent == 3
    passwords.give("right")
    assert passwords.get(login) == "right"
    passwords.accepted(login)
    assert passwords.open_logins() == ()


def test_one_that_has_worked_is_tried_again_by_itself_for_a_while() -> None:
    """A vCenter says InvalidLogin too while its SSO or AD is away; a person is asked beside."""
    clock, login = Clock(), Login()
    passwords = PasswordStore("dr-west", {}, clock)
    passwords.give("right")
    assert passwords.get(login) == "right"
    passwords.accepted(login)
    for pause_s in WORKED_RETRY_S:
        assert passwords.get(login) == "right"
        assert passwords.refused(login, "not accepted") == pause_s
        assert passwords.open_logins(), "somebody may know better"
        clock.now += pause_s - 1
        with pytest.raises(LoginRefused) as refusal:
            passwords.get(login)
        assert refusal.value.retry_s == 1
        clock.now += 1
    assert passwords.get(login) == "right"
    passwords.accepted(login)
    assert passwords.open_logins() == ()

    for _ in WORKED_RETRY_S:
        passwords.get(login)
        passwords.refused(login, "not accepted")
        clock.now += 60
    passwords.get(login)
    assert passwords.refused(login, "not accepted") is None, "enough: it would lock the user out"
    with pytest.raises(LoginRefused):
        passwords.get(login)


def test_a_command_is_asked_again_and_what_it_says_anew_is_sent(tmp_path: Path) -> None:
    clock, file, runs = Clock(), tmp_path / "secret", tmp_path / "runs"
    file.write_text("old")
    code = f"open({str(runs)!r}, 'a').write('x'); print(open({str(file)!r}).read())"
    login = Login(command=script(code))
    passwords = PasswordStore("dr-west", {}, clock)
    assert passwords.get(login) == "old"
    passwords.refused(login, "not accepted")
    for _ in range(int(COMMAND_REST_S * 2.5)):
        clock.now += 1
        with pytest.raises(LoginRefused, match="not accepted"):
            passwords.get(login)
    assert runs.read_text() == "xxx", "a command may want a finger on a key: once a minute is enough"
    file.write_text("new")
    clock.now += COMMAND_REST_S
    assert passwords.get(login) == "new"


def test_a_typed_password_that_was_refused_is_forgotten_and_asked_for_anew() -> None:
    login = Login()
    passwords = PasswordStore("dr-west", {})
    changes = []
    passwords.on_change = lambda: changes.append(passwords.open_logins())
    with pytest.raises(LoginRefused):
        passwords.get(login)
    for number in (2, 3):
        passwords.give("wrong")
        assert passwords.get(login) == "wrong"
        passwords.refused(login, "vc does not accept it")
        [question] = passwords.open_logins()
        assert (question.number, question.why) == (number, "vc does not accept it")
        with pytest.raises(LoginRefused, match="does not accept"):
            passwords.get(login)
    assert [[w.number for w in told] for told in changes] == [[1], [2], [3]]


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00b", "a\x1bb", "a\x7fb", "a\udcffb"])
def test_what_cannot_be_sent(text: str) -> None:
    why = wrong_with(text)
    assert why is not None and (not text or text not in why)
    passwords = PasswordStore("dr-west", {})
    with pytest.raises(UnusablePassword) as caught:
        passwords.give(text)
    assert str(caught.value) == f"this password cannot be used: {why}"
    if text:
        with pytest.raises(LoginRefused, match=f"from {VARIABLE} cannot be used") as refused:
            PasswordStore("dr-west", {VARIABLE: text}).get(Login())
        assert text not in str(refused.value)


@pytest.mark.parametrize("text", ["pässwörd", "p w", "<&>\"'", "密码", "🔑", "\\n", "'; --"])
def test_what_can(text: str) -> None:
    assert wrong_with(text) is None
    assert Password(text).text == text and type(Password(text).text) is str


def test_threads_do_not_mix_passwords_up() -> None:
    passwords, wrong = PasswordStore("dr-west", {VARIABLE: "own", f"{VARIABLE}_PROTECTED": "theirs"}), []

    def ask(of: str, expected: str) -> None:
        for _ in range(300):
            if passwords.get(Login(of=of)) != expected:
                wrong.append(of)

    threads = [threading.Thread(target=ask, args=a) for a in (("", "own"), (PROTECTED, "theirs")) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
