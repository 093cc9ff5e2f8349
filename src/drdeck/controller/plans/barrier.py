"""The barrier of a common rollback: no VM of any domain starts before all are off and reverted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.controller.journal.runs import Batch, RunRecord


def holders(batch: Batch, at_barrier: Collection[str]) -> tuple[str, ...]:
    """The domains that are not reverted yet, and were not released by name: none of any starts before."""
    if not batch.barrier:
        return ()
    return tuple(name for name in batch.domains if _holds(batch, name, at_barrier))


def _holds(batch: Batch, name: str, at_barrier: Collection[str]) -> bool:
    operation = batch.operations.get(name)
    if name in batch.released:
        return False
    if operation is None:
        return True
    end = batch.ends.get(operation)
    if end is not None:  # one that failed may not be reverted
        return end.state is not OperationState.DONE
    return operation not in at_barrier and operation not in batch.lifted


def to_lift(
    run: RunRecord,
    batch: Batch,
    at_barrier: Collection[str],
    operations: Mapping[str, Operation],
    now: datetime,
) -> tuple[str, ...]:
    """Ids of the operations that may start their VMs now: wave by wave, once nothing holds the barrier."""
    if not batch.barrier or holders(batch, at_barrier):
        return ()
    wave_of = {domain.name: domain.wave for domain in run.frozen.domains}
    patience = timedelta(seconds=run.frozen.patience_s)
    ready: list[str] = []
    for wave in sorted({wave_of.get(name, 0) for name in batch.domains}):
        own = [
            batch.operations[name]
            for name in batch.domains
            if wave_of.get(name, 0) == wave and name in batch.operations
        ]
        ready += [op for op in own if op not in batch.lifted and op not in batch.ends and op in at_barrier]
        if not all(_settled(op, batch, operations.get(op), patience, now) for op in own):
            break
    return tuple(ready)


def _settled(ident: str, batch: Batch, op: Operation | None, patience: timedelta, now: datetime) -> bool:
    """Over, or stopped for so long by a question that the next wave need not wait."""
    if ident in batch.ends or op is None:
        return True
    return op.question_at is not None and now - op.question_at >= patience
