"""Arguments of planned calls, each kind a struct that planner and caller agree upon.

A planned call itself carries them as text by name (`as_text`, `of`): so they cross to the controller and
stand in the journal, which knows nothing of vCenter's calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import msgspec

from drdeck.model.frozen import Frozen
from drdeck.model.planned import PlannedCall

MOVE = "move:"
"""Before the id of a network; the value is the id of the one that its cards are put on."""


OTHERS = "*"
"""In place of a network's id: cards on networks that are none of this vCenter's."""


class CallArguments(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the arguments of a kind of call; one that is left out is not in the text."""

    def as_text(self) -> dict[str, str]:
        texts: dict[str, str] = msgspec.to_builtins(self)
        return texts

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Self:
        """The arguments out of their text; what belongs to another kind is passed over."""
        return msgspec.convert(args, cls)


class MovingArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """The same with a mapping of networks, id -> id, without those that stay."""

    moves: dict[str, str] = {}

    def as_text(self) -> dict[str, str]:
        texts: dict[str, str] = msgspec.to_builtins(self)
        texts.pop("moves", None)
        return {**{MOVE + source: to for source, to in self.moves.items()}, **texts}

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Self:
        moves = {name.removeprefix(MOVE): to for name, to in args.items() if name.startswith(MOVE)}
        return msgspec.convert({**args, "moves": moves}, cls)


class ConnectArguments(MovingArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `connect`, and of `power_on` for a VM that has its entry point. `busy`: a VM on which others' tasks
    run is left for its power on."""

    busy: str = ""


class PointArguments(MovingArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `snapshot`, `prepare`, and of `power_on` for a VM that still wants its entry point. `unasked`: "yes"
    for one that nobody waits for, which is not made where there is little room."""

    name: str
    description: str
    unasked: str = ""


class RollbackArguments(MovingArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `revert`. `snapshot`: its id, empty where there is none any more; `entry`: name of the point that
    must be there; `memory`: the snapshot has some, which is discarded; `since`: when it may have been asked
    for first."""

    snapshot: str
    name: str
    since: str
    entry: str = ""
    memory: str = ""


class RemovalArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `remove`: one snapshot by its id, or all of these ids, parted by blanks."""

    name: str = ""
    snapshot: str = ""
    snapshots: str = ""

    @property
    def ids(self) -> list[str]:
        return self.snapshots.split() or [self.snapshot]


class AnswerArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `answer`: the ids of a VM's question and of the choice."""

    question: str
    choice: str


class CloneArguments(MovingArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `clone`. `folder`, `pool`, `snapshot`: ids; `marker`: what the test VM is known by."""

    name: str
    folder: str
    marker: str
    snapshot: str
    annotation: str
    pool: str


class TrialVmArguments(MovingArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `trial_connect`, `trial_on`, `trial_off`, `destroy`: by what a call makes sure that a VM is a test
    VM (`Expected`; `bases` and `detach` parted by blanks). `connected`: "yes" where its networks need not be
    isolated."""

    marker: str
    folder: str
    uuid: str
    of_vm: str = msgspec.field(name="of")
    bases: str
    root: str
    prefix: str
    connected: str = ""
    detach: str = ""


class ShutdownArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `shutdown_guest`: when it may have been asked for first."""

    since: str


class WaitArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `wait`: the id of the task of others, or of the snapshot that a backup tool works with."""

    task: str = ""
    snapshot: str = ""


class JoinArguments(CallArguments, frozen=True, kw_only=True, omit_defaults=True):
    """Of `join`: the name that the VM had while it had no replica."""

    absent: str = ""


class RecordStep(NamedTuple):
    """A call on the record alone: the step it takes, for runbook group `g`; `newest`: see ShutdownRecord."""

    to: str
    g: int = 0
    newest: int | None = None

    def as_text(self) -> dict[str, str]:
        newest = {} if self.newest is None else {"newest": str(self.newest)}
        return {"to": self.to, "g": str(self.g), **newest}


def record_step(call: PlannedCall) -> RecordStep:
    """The step of a call on the record alone; without a name for any other call."""
    newest = call.args.get("newest")
    return RecordStep(
        call.args.get("to", ""), int(call.args.get("g", "0")), None if newest is None else int(newest)
    )


def moving(networks: Mapping[str, str]) -> dict[str, str]:
    """A mapping of networks, id -> id, without those that stay."""
    return {source: to for source, to in networks.items() if source != to}
