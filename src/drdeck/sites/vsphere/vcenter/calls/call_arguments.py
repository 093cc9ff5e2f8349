"""Arguments of planned calls, as text by name, that planner and caller agree upon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from drdeck.model.planned import PlannedCall

MOVE = "move:"
"""Before the id of a network; the value is the id of the one that its cards are put on."""


OTHERS = "*"
"""In place of a network's id: cards on networks that are none of this vCenter's."""


class RecordStep(NamedTuple):
    """A call on the record alone: the step it takes, for runbook group `g`; `newest`: see ShutdownRecord."""

    to: str
    g: int = 0
    newest: int | None = None

    def as_arguments(self) -> dict[str, str]:
        newest = {} if self.newest is None else {"newest": str(self.newest)}
        return {"to": self.to, "g": str(self.g), **newest}


def record_step(call: PlannedCall) -> RecordStep:
    """The step of a call on the record alone; without a name for any other call."""
    newest = call.args.get("newest")
    return RecordStep(
        call.args.get("to", ""), int(call.args.get("g", "0")), None if newest is None else int(newest)
    )


def with_moves(networks: Mapping[str, str]) -> dict[str, str]:
    """The arguments for a mapping of networks, id -> id, without those that stay."""
    return {MOVE + source: to for source, to in networks.items() if source != to}


def moves_of(args: Mapping[str, str]) -> dict[str, str]:
    """The mapping of networks, id -> id, in the arguments of a call."""
    return {name.removeprefix(MOVE): to for name, to in args.items() if name.startswith(MOVE)}
