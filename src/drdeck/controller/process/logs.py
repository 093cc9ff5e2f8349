"""The log files of controller and console, for this user's eyes only; no password ever stands in them."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import textwrap
from pathlib import Path
from typing import Any

from drdeck.model.text import clean
from drdeck.private_files import open_private

CONSOLE_LOG = "console.log"
"""In the state directory, beside the controller's."""


class PlainFormatter(logging.Formatter):
    """Text from outside cannot forge a line of the log, nor act on the terminal of who reads it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = clean(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return textwrap.indent(clean(super().formatException(ei), lines=True), "    ")


def log_to(file: Path) -> None:
    """All logging of this process goes to `file`, and nowhere else. Raises OSError."""
    os.close(open_private(file, os.O_WRONLY))
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=2_000_000, backupCount=2, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        with contextlib.suppress(OSError):
            old.close()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
