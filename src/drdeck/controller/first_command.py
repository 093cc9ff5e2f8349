"""The commands with which operations begin at a site."""

from __future__ import annotations

from typing import Any

from drdeck.controller.journal.operations import Operation
from drdeck.model.commands import (
    AcceptRemoval,
    AdoptTrialVms,
    AnyCommand,
    BeginCompletion,
    CancelContinuousFailover,
    CancelRelease,
    CommitFailover,
    EndTrial,
    ExitSession,
    FailBack,
    MakeEntryPoints,
    MapNetworks,
    ReleaseDomain,
    RestoreDomain,
    ResumeRehydration,
    RollBack,
    StartContinuousFailover,
    StartSession,
    StartTrial,
    TakeOver,
    UndoFailover,
    WriteRecordBack,
)
from drdeck.model.domains import FailoverType


def first_command(op: Operation) -> AnyCommand:
    """The command with which an operation begins at the site. Raises LookupError for an action that is none:
    what nobody thought of here must not become something else."""
    request = op.request
    common: Any = {"operation": op.id, "domain": op.domain}
    match op.action:
        case "cfo_start":
            return StartContinuousFailover(**common, networks=request.networks)
        case "cfo_complete" if request.start_first:
            return StartContinuousFailover(**common, networks=request.networks)
        case "cfo_complete":
            return completion(op)
        case "cfo_remap":
            return MapNetworks(**common, networks=request.networks)
        case "cfo_cancel":
            return CancelContinuousFailover(**common)
        case "failover_undo":
            return UndoFailover(**common)
        case "failover_commit":
            return CommitFailover(**common)
        case "domain_restore":
            return RestoreDomain(**common)
        case "domain_release":
            return ReleaseDomain(**common)
        case "release_cancel":
            return CancelRelease(**common)
        case "domain_failback":
            return FailBack(**common)
        case "cfo_resume":
            return ResumeRehydration(**common)
        case "test_start":
            return StartTrial(
                **common,
                to=request.to,
                vms=request.vms,
                networks=request.networks,
                ends_after_s=request.ends_after_s,
                bubble=request.bubble or "",
            )
        case "test_end":
            return EndTrial(**common, result=request.result, note=request.note)
        case "test_detach":
            return EndTrial(**common, detach=request.disks)
        case "test_adopt":
            return AdoptTrialVms(**common, vms=request.test_vms, marks=request.marks)
        case "pitr_start":
            return StartSession(**common, session=op.id, vms=request.vms)
        case "pitr_run":
            assert request.to is not None
            return RollBack(**common, to=request.to, vms=request.vms, hold=op.barrier)
        case "pitr_entry":
            return MakeEntryPoints(**common)
        case "take_over":
            return TakeOver(**common)
        case "record_restore":
            return WriteRecordBack(**common)
        case "record_accept":
            return AcceptRemoval(**common)
        case "pitr_exit":
            return ExitSession(**common)
        case _:
            raise LookupError(f"no command of a site begins {op.action!r}")


def completion(op: Operation) -> BeginCompletion:
    """The command with which an operation completes a continuous failover."""
    request = op.request
    return BeginCompletion(
        operation=op.id,
        domain=op.domain,
        type=request.type or FailoverType.REGULAR,
        run_pitr=request.run_pitr,
        networks=request.networks,
        without=request.without,
        left_out=request.left_out,
    )
