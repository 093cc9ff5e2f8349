"""Running a `password_command`: no shell, no input, a time-out, and what it complained of."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from drdeck.model.passwords import Password
from drdeck.model.text import clean

TIMEOUT_S = 30.0
MOST = 64 * 1024
"""Bytes that are taken from it; a password is shorter, and a device that never ends is no password."""
SHOWN = 300
VARIABLES = "DRDECK_PASSWORD"


class CommandFailed(Exception):
    """It gave no password; the text is one sentence that holds nothing of what it printed on stdout."""


def run(command: Sequence[str], environ: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> Password:
    """The first line that a command prints. Blocks, at most `timeout_s`. Raises CommandFailed.

    It gets no password that the environment holds, and its own session, so that it cannot ask at
    the terminal of whoever started us.
    """
    called = f'the password_command "{clean(command[0])}"'
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={k: v for k, v in environ.items() if not k.startswith(VARIABLES)},
            start_new_session=True,
            cwd="/",  # as a controller works: what is meant from here would not be found from there
        )
    except FileNotFoundError:
        raise CommandFailed(f"{called} was not found{_no_shell(command)}") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CommandFailed(f"{called} cannot be run: {why}") from None
    deadline = time.monotonic() + timeout_s
    with process:
        try:
            out, err = _read(process, deadline)
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, TimeoutError):
            _kill(process)
            raise CommandFailed(f"{called} did not end within {timeout_s:g} s") from None
        except OverflowError:
            _kill(process)
            raise CommandFailed(f"{called} printed more than {MOST // 1024} KiB") from None
    if code != 0:
        ended = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        raise CommandFailed(f"{called} {ended}{_complaint(out, err)}")
    try:
        password = out.decode("utf-8").split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise CommandFailed(f"{called} printed something that is not UTF-8") from None
    if not password:
        raise CommandFailed(f"{called} printed nothing{_complaint(b'', err)}")
    return Password(password)


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """All of stdout and stderr. Raises TimeoutError, OverflowError."""
    assert process.stdout is not None and process.stderr is not None
    read: dict[int, bytearray] = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    with selectors.DefaultSelector() as selector:
        for number in read:
            selector.register(number, selectors.EVENT_READ)
        # what it leaves running may hold the pipes for ever: its own end is enough
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = selector.select(min(left, 0.1))
            if not ready and process.poll() is not None:
                break
            for key, _ in ready:
                piece = os.read(key.fd, 16384)
                read[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
                if len(read[key.fd]) > MOST:
                    raise OverflowError
    out, err = read.values()
    return bytes(out), bytes(err)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """It, and what it started in its own session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _complaint(out: bytes, err: bytes) -> str:
    """Its stderr on one line, without what it had printed as a password by then."""
    text = err.decode("utf-8", "replace")
    for secret in out.decode("utf-8", "replace").splitlines():
        if secret.strip():
            text = text.replace(secret.strip(), "***")
    text = " ".join(clean(line).strip() for line in text.splitlines() if line.strip())
    return f": {text if len(text) <= SHOWN else '…' + text[-SHOWN:]}" if text else ""


def _no_shell(command: Sequence[str]) -> str:
    odd = any(c in word for word in command for c in "~$|;&>")
    return "; it is run without a shell, so ~, $ and | mean nothing in it" if odd else ""
