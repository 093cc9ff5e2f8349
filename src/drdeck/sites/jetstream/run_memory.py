"""The PITR operations that run, and since when: kept, so that the unprotected time outlives a controller."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from drdeck.private_files import Unreadable, read_text, write_private

from .status_view import PitrRun

log = logging.getLogger(__name__)

FILE = "appliance-runs.json"


class RunMemory:
    """A small file in the site's state directory; without one nothing is kept."""

    def __init__(self, state: Path | None) -> None:
        self._file = state / FILE if state is not None else None

    def load(self) -> dict[str, PitrRun]:
        """Domain id -> its operation, as kept last."""
        if self._file is None:
            return {}
        try:
            return msgspec.json.decode(read_text(self._file), type=dict[str, PitrRun])
        except FileNotFoundError:
            return {}
        except (OSError, Unreadable, msgspec.MsgspecError, ValueError) as error:
            log.warning(
                "since when PITR operations run is not known: %s cannot be read: %s", self._file, error
            )
            return {}

    def save(self, runs: Mapping[str, PitrRun]) -> None:
        if self._file is None:
            return
        try:
            write_private(self._file, msgspec.json.encode(dict(runs)))
        except OSError as error:
            log.warning("since when PITR operations run cannot be kept in %s: %s", self._file, error)
