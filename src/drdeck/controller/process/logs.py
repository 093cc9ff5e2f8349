"""The log files of controller and console, for this user's eyes only; no password ever stands in them."""

from __future__ import annotations

import contextlib
import logging
import os
import textwrap
import time
from pathlib import Path
from typing import Any

from drdeck.model.text import clean
from drdeck.private_files import open_private

CONTROLLER_LOG, CONSOLE_LOG = "controller.log", "console.log"
"""In the state directory of a site."""
KEPT_PARTS = 2
"""Full files of a log that are kept beside it, as FILE.1, the newest, and so on."""
LEVELS = ("debug", "info", "warning", "error")
"""Names of --log-level: what is less than it is not written."""
USUAL_LEVEL = "info"
_TIME = "%Y-%m-%dT%H:%M:%S"
_LINE = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"


class PlainFormatter(logging.Formatter):
    """Text from outside cannot forge a line of the log, nor act on the terminal of who reads it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = clean(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return textwrap.indent(clean(super().formatException(ei), lines=True), "    ")


def log_to(file: Path, level: str = USUAL_LEVEL) -> None:
    """Send all logging of this process to `file`, and nowhere else; `level` is one of LEVELS.

    Debug lines are drdeck's only: those of a library may hold what it sends, a login's password among
    it. Raises OSError.
    """
    import logging.handlers  # brings much that a command without a log never needs

    os.close(open_private(file, os.O_WRONLY))
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=2_000_000, backupCount=KEPT_PARTS, encoding="utf-8"
    )
    formatter = PlainFormatter(_LINE, _TIME)
    formatter.converter = time.gmtime  # two logs are read as one, also when the clocks are changed
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        with contextlib.suppress(OSError):
            old.close()
    root.addHandler(handler)
    least = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(least, logging.INFO))
    logging.getLogger("drdeck").setLevel(least)
