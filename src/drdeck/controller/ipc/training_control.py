"""The instructor's hand: faults and jumps in time, for sites that take them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from drdeck.controller.controller import Controller
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.commands import Command
from drdeck.model.times import show

from . import protocol as p

INJECTED = "injected"
JUMPED = "jumped"
MOST_JUMP_S = 366 * 86400.0


@runtime_checkable
class TrainingControls(Protocol):
    """Controls that a site has beside RecoverySite when one can meddle with it."""

    def faults(
        self,
        operation: str,
        fault: str,
        domain: str | None,
        vms: Sequence[str],
        for_s: float | None,
        times: int,
    ) -> Sequence[Command]:
        """The commands that throw a fault in, each for `execute`. Raises Refused."""

    async def execute(self, command: Any) -> str:
        """As of RecoverySite."""

    def jump(self, seconds: float) -> None:
        """Move the clock on. Raises ValueError, Refused."""


def _instructed(controller: Controller, what: str) -> TrainingControls:
    site = controller.site
    if not isinstance(site, TrainingControls):
        raise NotAccepted("rule", f'only a training site takes {what}; "{site.name}" is of kind {site.kind}')
    if controller.watcher.error is not None:
        raise NotAccepted("unreachable", controller.watcher.error)
    if controller.read_only:
        raise NotAccepted("rule", "drdeck is read-only here; nothing can be thrown in")
    return site


async def inject(controller: Controller, message: p.Inject, actor: str) -> tuple[str, ...]:
    """Journal a fault, then let it begin; returns what was done. Raises NotAccepted, SiteError."""
    site = _instructed(controller, "faults")
    ident = f"inject-{secrets.token_hex(4)}"
    commands = site.faults(ident, message.fault, message.domain, message.vms, message.for_s, message.times)
    for command in commands:
        data = {
            "injection": ident,
            "domain": command.domain,
            "fault": message.fault,
            "vms": list(getattr(command, "vms", ())),
            "for_s": getattr(command, "for_s", None),
            "times": message.times,
            "at": show(controller.watcher.now()),
            "says": command.says,
        }
        controller.desk.note(actor, INJECTED, data)
        await site.execute(command)
    return tuple(command.says for command in commands)


def jump(controller: Controller, message: p.Jump, actor: str) -> datetime:
    """Journal a jump, then take it; returns the site's time. Raises NotAccepted, SiteError."""
    site = _instructed(controller, "jumps in time")
    if not 0 < message.seconds <= MOST_JUMP_S:
        raise NotAccepted("usage", "a jump goes forward, and at most a year at once")
    before = controller.watcher.now()
    controller.desk.note(actor, JUMPED, {"seconds": message.seconds, "at": show(before)})
    site.jump(message.seconds)
    return before + timedelta(seconds=message.seconds)
