"""Kinds of clones that test VMs could be, and why there is but one."""

from __future__ import annotations

_UNPROVEN = {
    "full": "a full clone's disks stand on nothing, so nothing proves whose they are before it is destroyed",
    "tool": "drdeck drives no replication tool, and could not tell which VMs its test has made",
}

NOT_CUSTOMIZED = (
    "guests of a test are not customized: vCenter disconnects their cards until VMware Tools have set them"
    " up, and a network that is isolated needs no other names or addresses; leave it out"
)
"""Source: vSphere Web Services SDK, CustomizeVM_Task, which wants Tools and a VM that is off."""


def kind_closed(how: str) -> str:
    """The reason why test VMs cannot be clones of this kind; empty: they can."""
    why = _UNPROVEN.get(how)
    return f'"{how}" is not supported: {why}; "linked" is' if why is not None else ""
