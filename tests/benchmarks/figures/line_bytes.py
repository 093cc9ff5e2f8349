"""Bytes that the console writes to its terminal, in a pseudo-terminal, over news that nobody changes."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.support import ROOT
from tests.support.console.live_news import AT_ONCE_S
from tests.support.console.terminal import Terminal


def counted() -> tuple[int, int]:
    """Bytes of a start at 80x24, and of the half minute after it in which no minute turns."""
    with tempfile.TemporaryDirectory() as directory:
        passed = Path(directory) / "passed"
        env = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
        for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE"):
            env.pop(name, None)
        words = [sys.executable, "-m", "tests.support.console.live_news"]
        terminal = Terminal(words, {**env, "PASSED": str(passed)})
        try:
            terminal.wait_for("erp-prod")
            terminal.settle()
            started = len(terminal.raw)
            terminal.kill(signal.SIGUSR2)
            terminal.wait_for(until=lambda: passed.exists() and passed.read_text() == str(AT_ONCE_S))
            terminal.settle()
            return started, len(terminal.raw) - started
        finally:
            terminal.close()
