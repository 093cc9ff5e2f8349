"""What an ended operation has to tell: the figures of the result screen and of the report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drdeck.model.domains import Domain
from drdeck.model.times import show

from .operations import Operation, OperationState


def result_of(op: Operation, d: Domain, operations: Iterable[Operation], now: datetime) -> dict[str, str]:
    """Figures as text, by name; only those that are known."""
    if op.action == "pitr_run" and op.request.to is not None:
        back = sum(1 for vm in d.vms if vm.rolled_back_to is not None)
        return {"rolled_back_to": show(op.request.to), "vms_rolled_back": str(back)}
    if op.action != "cfo_complete":
        return {}
    result = {
        "type": str(op.request.type),
        "vms_total": str(d.vms_total),
        "vms_recovered": str(d.vms_recovered),
        "recovery_status": "Success" if d.recovered and not op.skipped else "Partial",
    }
    if op.skipped:
        result["skipped"] = ", ".join(sorted(op.skipped.values()))
    if d.failover is not None and d.failover.recovered_at is not None:
        result["rto_s"] = f"{int((d.failover.recovered_at - op.asked_at).total_seconds())}"
    sessions = [p for p in d.excluded if p.end is not None and p.end >= op.asked_at]
    if op.request.run_pitr and sessions:
        length = sum((p.end - p.start).total_seconds() for p in sessions if p.end is not None)
        result["unprotected_s"] = f"{int(length)}"
    rollbacks = [
        o
        for o in operations
        if o.action == "pitr_run"
        and o.domain == op.domain
        and o.state is OperationState.DONE
        and o.asked_at >= op.asked_at
    ]
    if rollbacks:
        last = max(rollbacks, key=lambda o: o.asked_at)
        result["rolled_back_to"] = show(last.request.to) if last.request.to else ""
    for group in d.runbook:
        failed = [vm for vm in d.vms if vm.group == group.group and vm.error]
        result[f"runbook:{group.group}"] = "Failed" if failed else "Success"
    return result
