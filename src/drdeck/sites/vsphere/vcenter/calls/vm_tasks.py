"""Calls that begin tasks on VMs, as steps: each task is handed out and the call goes on when it has ended."""

from __future__ import annotations

from collections.abc import Collection, Generator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.connection import VCenterSession

CallSteps = Generator[Any, None, str]
"""A call on one VM: yields each task that it has begun, is resumed once that has succeeded or has its fault
thrown into it, and returns what there is to remark. Each step blocks; between two no thread waits."""


class EarlierAttempt(NamedTuple):
    """An act may have been asked for already: `since` an instant of the site's clock, which is `ago` now, by
    one of `users`."""

    since: datetime
    ago: timedelta
    users: Collection[str]


def vm_of(session: VCenterSession, vm: str) -> Any:
    return vim.VirtualMachine(vm, session.stub)
