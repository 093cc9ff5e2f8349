"""Budget of restore points where drdeck makes them: the VMs that a round has room for, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .times import show_span

AT_ONCE = 8
"""Points made, and removed, at a time at a whole site; nobody asked for them, so all else goes before."""
JOIN_S = 60.0
"""A VM that could not join a group point within this long waits for the next one."""
SNAPSHOT_S = 5.0
"""What making or removing a snapshot without memory is taken to last. An assumption: on a vCenter it depends
on the storage and on what was written, and nothing was measured there yet."""


def vms_of_a_round(interval_s: float) -> int:
    """Number of VMs that join a group point in time."""
    return max(1, int(min(JOIN_S, interval_s) // SNAPSHOT_S)) * AT_ONCE


def points_late(vms: int, interval_s: float) -> str:
    """A sentence for a domain of more VMs than a round has room for; empty where all join each round."""
    room = vms_of_a_round(interval_s)
    if vms <= room or interval_s <= 0:
        return ""
    age = show_span(math.ceil(vms / room) * interval_s)
    return (
        f"a round of restore points has room for {room} of {vms} VMs at some {SNAPSHOT_S:.0f} s a snapshot,"
        f" {AT_ONCE} at a time: the newest point of a VM is up to {age} old, and not {show_span(interval_s)}"
    )


def rounds_late(domains: Iterable[tuple[int, float]]) -> str:
    """A sentence for domains (VMs, interval in seconds) that want more than their intervals have room for
    together, a point and a removal of each VM; empty where all fit."""
    pointed = [(vms, interval_s) for vms, interval_s in domains if interval_s > 0]
    share = sum(2 * vms * SNAPSHOT_S / AT_ONCE / interval_s for vms, interval_s in pointed)
    if share <= 1:
        return ""
    where = f"{len(pointed)} domain{'s' * (len(pointed) > 1)}"
    return (
        f"once all have failed over, the points of {sum(vms for vms, _ in pointed)} VMs in {where}, made and"
        f" removed at some {SNAPSHOT_S:.0f} s each, {AT_ONCE} at a time, take"
        f" {share:.1f} times as long as the intervals: the newest points get that much older"
    )


def removals_late(vms: int, at_once: int, interval_s: float) -> str:
    """A sentence for a datastore with more VMs than an interval has removals; empty where all fit."""
    took_s = math.ceil(vms / max(1, at_once)) * SNAPSHOT_S
    took = show_span(60 * math.ceil(took_s / 60))
    if took_s <= interval_s:
        return ""
    return (
        f"each interval of {show_span(interval_s)} a point of {vms} VMs is to be removed here, which takes"
        f" {took} at some {SNAPSHOT_S:.0f} s, {at_once} at a time: chains grow"
    )
