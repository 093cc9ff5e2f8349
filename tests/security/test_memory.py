"""The memory of the process that holds the passwords."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drdeck.controller.process import hardening

NOBODY = 65534
PYTHON = shutil.which("python3", path="/usr/bin:/bin")
KEPT = "\nkeep_memory_private()"
TOLD = """
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(
    sys.platform != "linux" or PYTHON is None, reason="elsewhere only core dumps are kept from being made"
)
@pytest.mark.parametrize("private", [True, False])
def test_nobody_looks_into_it(private: bool) -> None:
    """No core dump; the user's other processes read neither its memory nor its environment."""
    # to root all is open, so that somebody else must look
    user: dict[str, Any] = {"user": NOBODY, "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}
    code = Path(hardening.__file__).read_text() + KEPT * private + TOLD
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([str(PYTHON), "-c", code], **pipes, **user)
    assert process.stdin is not None and process.stdout is not None
    try:
        core, dumpable = process.stdout.readline().split()
        assert not private or (core, dumpable) == ("0", "0")
        for name in ("environ", "mem"):
            look = [str(PYTHON), "-c", f"open('/proc/{process.pid}/{name}', 'rb').close()"]
            looked = subprocess.run(look, capture_output=True, check=False, **user)
            assert looked.returncode == (1 if private else 0), looked.stderr
    finally:
        process.stdin.close()
        process.wait(60)
