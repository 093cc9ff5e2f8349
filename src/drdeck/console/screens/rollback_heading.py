"""The heading of Run PITR: how far a rollback is, and to when the VMs were rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drdeck.console.format import Line, second, stamp
from drdeck.console.state import State
from drdeck.console.widgets.status_bars import estimate_lines, operation_lines
from drdeck.controller.journal.operations import OperationView
from drdeck.model.domains import Domain, Health, Vm
from drdeck.model.text import clean

ROLLING_BACK = "rolling back"
"""What a rollback waits for as long as the site shows nothing more of it."""


def rollback_of(state: State, domain: Domain) -> OperationView | None:
    """The rollback that is under way."""
    return next((o for o in state.open_operations(domain.name) if o.action == "pitr_run"), None)


def heading(state: State, domain: Domain, session_vms: Sequence[Vm], width: int) -> Line:
    """State of the rollbacks, behind the screen's name; `session_vms`: those that may be rolled back."""
    if state.stale:
        return ((state.out_of_date.partition(": ")[0], "bad"),)
    operation = rollback_of(state, domain)
    if operation is not None:
        return _rolling_back(domain, operation, session_vms, width)
    session = domain.session
    if session is None:
        return (("there is no PITR session", "dim"),)
    if session.rolled_back_to is not None:
        back: Line = ((f"rolled back to {stamp(session.rolled_back_to)}", "ok"),)
        failed = sum(vm.health is Health.FAILED for vm in domain.vms)
        count = f"{failed} of {len(domain.vms)} VMs FAILED, "
        return ((count, "bad"), *back) if failed else back
    return (("no rollback yet", "dim"),)


def _rolling_back(domain: Domain, operation: OperationView, session_vms: Sequence[Vm], width: int) -> Line:
    """Numbers of VMs, and who requested it; the estimate has a line of its own."""
    if operation.question is not None:
        return operation_lines([operation], width)[0]
    names = operation.request.vms or tuple(vm.name for vm in session_vms)
    done = sum(vm.name in names and vm.status != "rolling_back" for vm in domain.vms)
    by = f", by {clean(operation.asked_by)} at {second(operation.asked_at)}"
    return (("▶ ", "accent"), (f"Rolling back {done} of {len(names)}", "accent"), (by, "dim"))


def below_heading(state: State, domain: Domain, now: datetime, width: int) -> list[Line]:
    """The estimate of a rollback under way; without one what is waited for."""
    operation = rollback_of(state, domain)
    if operation is None or operation.question is not None:
        return []
    if domain.estimate is not None:
        lines = estimate_lines(domain, now, width - 1)
    else:
        waits = "" if operation.waits_for == ROLLING_BACK else operation.waits_for  # the heading says so
        lines = [((f"  {clean(waits)}", "said"),)] if waits else []
    return [((" ", ""), *line) for line in lines]
