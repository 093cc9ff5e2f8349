"""Another user of the machine: what "nobody" can do, tried for real in a process of its own."""

from __future__ import annotations

import codecs
import os
import pwd
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what another user could do")
NOBODY = "nobody"


def as_nobody(attempt: Callable[[], object]) -> str:
    """Run `attempt` as nobody, in a child; what it returned as text, or "ErrorType: message"."""
    codecs.lookup("ascii")  # nobody may not be able to read Python's own modules
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            user = pwd.getpwnam(NOBODY)
            os.chdir("/")
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            report = str(attempt())
        except OSError as error:
            report = f"{type(error).__name__}: {error}"
        except BaseException:
            report = traceback.format_exc()
        os.write(writing, report.encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        report = pipe.read().decode()
    os.waitpid(pid, 0)
    return report


def open_directory() -> Iterator[Path]:
    """A directory like /tmp: everybody may enter it and add to it."""
    with tempfile.TemporaryDirectory(prefix="drdeck-open-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o1777)
        yield path
