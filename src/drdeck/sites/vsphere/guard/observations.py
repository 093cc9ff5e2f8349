"""Observations of changes of VMs, by their facts or by vCenter's events, before anybody has judged them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from drdeck.model.guard import Change

By = Literal["facts", "event", "task"]
"""By a VM's facts that differ, by an event that says it is done, or by a task that has begun."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One telling; the same deed may be told in each of the three ways.

    It happened between `since` and `until` (vCenter's clock). `did` goes on after who it was. `to`: what
    came of it, empty where that is not told: the power state, a snapshot's id or its name when it is made,
    a host. `user`: None where nobody is named, empty for vCenter itself.
    """

    by: By
    vm: str
    deed: Change
    did: str
    since: datetime
    until: datetime
    to: str = ""
    user: str | None = None
    key: int = 0
    """of the event"""
    task: str = ""
    file: str = ""
    """of a disk that was attached to `vm`; whose disk it is, is not known yet"""
    points: tuple[datetime, ...] = ()
    """instants of the snapshots that it is about"""
