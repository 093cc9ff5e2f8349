"""What nobody asks for: points made and pruned while a domain is owned here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from drdeck.model.commands import AnyCommand, Take, encode

from .journal import JournalError

log = logging.getLogger("drdeck.controller")

RETRY_S = 60.0
"""After a failure the same act is left alone for so long."""

Execute = Callable[[AnyCommand], Awaitable[tuple[str, str]]]
Record = Callable[[str, dict[str, Any]], object]
RecordSurely = Callable[[str, dict[str, Any]], Awaitable[None]]


class Chores:
    """Carries acts out that the site says are due; each is journaled before and after."""

    def __init__(self, execute: Execute, record: Record, record_surely: RecordSurely) -> None:
        self._execute, self._record, self._record_surely = execute, record, record_surely
        self.going: set[str] = set()
        self._failed: dict[str, float] = {}

    def may_begin(self, key: str) -> bool:
        """Not under way, and not failed a moment ago."""
        clock = asyncio.get_running_loop().time()
        return key not in self.going and clock - self._failed.get(key, -RETRY_S) >= RETRY_S

    async def carry_out(self, command: Take) -> None:
        """Begin at once; what fails, or cannot be journaled, is tried again later."""
        key = command.key
        told = {"domain": command.domain, "key": key, "says": command.says}
        try:
            self._record("upkeep", {**told, "command": encode(command)})
            result, text = await self._execute(command)
            await self._record_surely("upkeep_outcome", {**told, "result": result, "text": text})
            if result == "done":
                self._failed.pop(key, None)
            else:
                self._failed[key] = asyncio.get_running_loop().time()
        except JournalError:
            self._failed[key] = asyncio.get_running_loop().time()
        finally:
            self.going.discard(key)

    def begin(self, key: str) -> None:
        """Reserve a key, before its task runs for the first time."""
        self.going.add(key)
