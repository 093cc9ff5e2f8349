"""Arguments of planned calls, as text by name, that planner and caller agree upon."""

from __future__ import annotations

from collections.abc import Mapping

MOVE = "move:"
"""Before the id of a network; the value is the id of the one that its cards are put on."""


OTHERS = "*"
"""In place of a network's id: cards on networks that are none of this vCenter's."""


def with_moves(networks: Mapping[str, str]) -> dict[str, str]:
    """The arguments for a mapping of networks, id -> id, without those that stay."""
    return {MOVE + source: to for source, to in networks.items() if source != to}


def moves_of(args: Mapping[str, str]) -> dict[str, str]:
    """The mapping of networks, id -> id, in the arguments of a call."""
    return {name.removeprefix(MOVE): to for name, to in args.items() if name.startswith(MOVE)}
