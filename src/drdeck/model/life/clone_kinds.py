"""Kinds of clones that test VMs could be, and why there is but one."""

from __future__ import annotations

_UNPROVEN = {
    "full": "a full clone's disks stand on nothing, so nothing proves whose they are before it is destroyed",
    "tool": "drdeck drives no replication tool, and could not tell which VMs its test has made",
}


def kind_closed(how: str) -> str:
    """The reason why test VMs cannot be clones of this kind; empty: they can."""
    why = _UNPROVEN.get(how)
    return f'"{how}" is not supported: {why}; "linked" is' if why is not None else ""
