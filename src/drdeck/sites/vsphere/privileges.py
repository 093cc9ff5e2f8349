"""Which privileges each act needs, and where. Pure: the vCenter is asked in rights.py.

The privileges of the single calls are those that the vSphere Web Services API names for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drdeck.model import commands as c
from drdeck.model.domains import FailoverType

from .situation import Situation

POWER_ON = "VirtualMachine.Interact.PowerOn"
POWER_OFF = "VirtualMachine.Interact.PowerOff"
CREATE_SNAPSHOT = "VirtualMachine.State.CreateSnapshot"
REVERT = "VirtualMachine.State.RevertToSnapshot"
REMOVE_SNAPSHOT = "VirtualMachine.State.RemoveSnapshot"
EDIT_DEVICE = "VirtualMachine.Config.EditDevice"
ASSIGN = "Network.Assign"
SET_FIELD = "Global.SetCustomField"
MANAGE_FIELDS = "Global.ManageCustomFields"
TERMINATE = "Sessions.TerminateSession"

VCENTER, FOLDER, DOMAIN, NETWORK, PROTECTED = "vcenter", "folder", "domain", "network", "protected"
"""Where a privilege is wanted: at the vCenter itself, on a domain's folder, on that and its VMs, on a
recovery network, on the domain's folder and VMs at the protected site."""


class Need(NamedTuple):
    """One privilege, where, and for which acts, in the words of the menus."""

    privilege: str
    on: str
    acts: tuple[str, ...]


_START, _COMPLETE, _PLANNED = "Continuous Failover", "Failover", "Planned Failover"
_MAPPED, _WITH_PITR = "Failover to other networks", "Failover with Run PITR"
_SESSION, _RUN, _EXIT = "Start PITR Session", "Run PITR", "Exit PITR Session"
_TAKE_OVER, _POINTS = "Take Over", "restore points at each interval"

LEAST: tuple[Need, ...] = (
    Need(SET_FIELD, FOLDER, (_START, _COMPLETE, _SESSION, _RUN, _EXIT, _TAKE_OVER)),
    Need(MANAGE_FIELDS, VCENTER, (_START, _COMPLETE, _SESSION, _RUN, _EXIT, _TAKE_OVER)),
    Need(POWER_ON, DOMAIN, (_COMPLETE, _SESSION, _RUN)),
    Need(EDIT_DEVICE, DOMAIN, (_MAPPED,)),
    Need(ASSIGN, NETWORK, (_MAPPED,)),
    Need(POWER_OFF, DOMAIN, (_WITH_PITR, _SESSION, _RUN)),
    Need(CREATE_SNAPSHOT, DOMAIN, (_WITH_PITR, _SESSION, _POINTS)),
    Need(REVERT, DOMAIN, (_WITH_PITR, _SESSION, _RUN)),
    Need(REMOVE_SNAPSHOT, DOMAIN, (_WITH_PITR, _SESSION, _EXIT, _POINTS)),
    Need(POWER_OFF, PROTECTED, (_PLANNED,)),
)
"""The least that drdeck needs beside reading. A session is begun only by who may also roll back and
leave it, so a failover that leads to one wants its privileges from the start."""

FENCE = Need(TERMINATE, VCENTER, ())
"""Nothing needs it, at either site: with it nothing lands late that a killed controller asked for."""


def acts_of(command: c.AnyCommand, moves: bool) -> tuple[str, ...]:
    """What a command leads to, as LEAST calls it; `moves`: it connects VMs to other networks."""
    match command:
        case c.StartContinuousFailover():
            return (_START,)
        case c.BeginCompletion():
            planned = command.type is FailoverType.PLANNED
            more = ((_MAPPED, moves), (_WITH_PITR, command.run_pitr), (_PLANNED, planned))
            return (_COMPLETE, *(act for act, wanted in more if wanted))
        case c.StartSession():
            return (_SESSION,)
        case c.RollBack():
            return (_RUN,)
        case c.ExitSession():
            return (_EXIT,)
        case c.TakeOver():
            return (_TAKE_OVER,)
        case _:
            return ()  # a step of what was accepted: refusing it now would leave that half done


def needs(acts: Sequence[str]) -> tuple[Need, ...]:
    """What of LEAST these acts need, with only them named."""
    found = []
    for need in LEAST:
        named = tuple(act for act in need.acts if act in acts)
        if named:
            found.append(need._replace(acts=named))
    return tuple(found)


def possible(situations: Sequence[Situation], protected: bool) -> tuple[str, ...]:
    """The acts that these domains may ever come to, by their settings."""
    pitr = any(s.settings.pitr.enabled for s in situations)
    acts = [_START, _COMPLETE, _MAPPED, _TAKE_OVER]
    if pitr:
        acts += [_WITH_PITR, _SESSION, _RUN, _EXIT, _POINTS]
    return (*acts, _PLANNED) if protected else tuple(acts)


def moved(s: Situation, networks: dict[str, str]) -> tuple[str, ...]:
    """Ids of the networks that VMs would be connected to with this mapping (ids) and the one on record."""
    mapping = {**s.record.networks, **networks}
    used = {network for vm in s.vms for network in vm.networks}
    return tuple(sorted({to for source, to in mapping.items() if source in used and to != source}))
