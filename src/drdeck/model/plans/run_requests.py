"""Requests about runs, as consoles and commands send them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from drdeck.model.actions.request import Name
from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen


class RunRequest(Frozen, frozen=True, kw_only=True):
    """The decision to begin a run; the same asked for a check needs no consent in it.

    `domains`: marked ones instead of a plan (then `plan` is empty). `only`, `without`: patterns.
    `confirm`: "PLAN NUMBER" as typed. `confirm_running`: "RUNNING NUMBER", for domains whose protected
    VMs run; `except_running` leaves those out. `preview`: the facts of the check that was seen ("shown").
    """

    plan: Name = ""
    domains: tuple[Name, ...] = ()
    type: FailoverType | None = None
    run_pitr: bool | None = None
    """None: as the plan has it"""
    networks: dict[Name, Name] = {}
    only: tuple[Name, ...] = ()
    without: tuple[Name, ...] = ()
    except_running: bool = False
    confirm: Name | None = None
    confirm_running: Name | None = None
    preview: dict[str, str] | None = msgspec.field(name="shown", default=None)


class RunPitrRequest(Frozen, frozen=True, kw_only=True):
    """One instant for the sessions of a run, or of `domains` of it (empty: all that can reach it)."""

    run: Name
    to: Annotated[datetime, msgspec.Meta(tz=True)]
    domains: tuple[Name, ...] = ()
    confirm: Name | None = None


class RunExitRequest(Frozen, frozen=True, kw_only=True):
    """Leave the sessions of a run. `reset`: those that were not rolled back, whose PITR data is reset;
    else those that were. `confirm`: "RESET NUMBER", for the first. Never both by one request."""

    run: Name
    reset: bool = False
    domains: tuple[Name, ...] = ()
    confirm: Name | None = None
