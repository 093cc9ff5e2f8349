"""What nobody asks for: points made and pruned while a domain is owned here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from drdeck.model.commands import AnyCommand, Take, encode

from .journal import JournalError
from .sight import Sight

log = logging.getLogger("drdeck.controller")

RETRY_S = 60.0
"""After a failure the same act is left alone for so long."""

Execute = Callable[[AnyCommand], Awaitable[tuple[str, str]]]
Record = Callable[[str, dict[str, Any]], object]
RecordSurely = Callable[[str, dict[str, Any]], Awaitable[None]]


class Chores:
    """Carries acts out that the site says are due; each is journaled before and after."""

    def __init__(self, execute: Execute, record: Record, record_surely: RecordSurely, sight: Sight) -> None:
        self._execute, self._record, self._record_surely = execute, record, record_surely
        self._sight = sight
        self.going: set[str] = set()
        self._failed: dict[str, float] = {}
        self._unseen: dict[str, int] = {}

    def may_begin(self, key: str) -> bool:
        """Not under way, not failed a moment ago, and the site was read anew after an answer was lost."""
        clock = asyncio.get_running_loop().time()
        return (
            key not in self.going
            and clock - self._failed.get(key, -RETRY_S) >= RETRY_S
            and self._unseen.get(key, -1) < self._sight.looked
        )

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
                self._unseen.pop(key, None)
            else:
                self._failed[key] = asyncio.get_running_loop().time()
            if result == "unknown":
                self._unseen[key] = self._sight.serial
                self._sight.look_again()
        except JournalError:
            self._failed[key] = asyncio.get_running_loop().time()
        finally:
            self.going.discard(key)

    def begin(self, key: str) -> None:
        """Reserve a key, before its task runs for the first time."""
        self.going.add(key)
