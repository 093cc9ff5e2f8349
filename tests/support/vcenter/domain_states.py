"""Situations of a vSphere domain for tests of pure functions: short to write, whole to think about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drdeck.config.settings import DomainSettings, Duration, PitrSettings, RunbookSettings
from drdeck.model.domains import FailoverType, SessionState
from drdeck.sites.vsphere.inventory.inventory_facts import SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms
from drdeck.sites.vsphere.plan.restore_points import point_name
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import FailoverRecord, RollbackRecord, SessionRecord

T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OP = "op-1"


def at(minutes: float) -> datetime:
    """So many minutes after T0."""
    return T0 + timedelta(minutes=minutes)


def snap(ident: str, minutes: float, name: str = "", parent: str | None = None) -> SnapshotFact:
    """Somebody else's snapshot; `name` "ours" makes it a group point of that instant."""
    title = point_name(at(minutes)) if name == "ours" else name or f"replica {ident}"
    about = "drdeck: group point" if title.startswith("drdeck-") else ""
    return SnapshotFact(ident, title, about, at(minutes), parent)


def chain(*snaps: SnapshotFact) -> dict[str, Any]:
    """Snapshots that stand on each other, the disks on the last."""
    linked: list[SnapshotFact] = []
    for snap in snaps:
        parent = linked[-1].id if linked else None
        linked.append(SnapshotFact(snap.id, snap.name, snap.description, snap.created, parent))
    return {"snapshots": tuple(linked), "current_snapshot": linked[-1].id if linked else None}


def vm(name: str, power: str = "on", tools: bool | None = None, **more: Any) -> VmFacts:
    """A connected VM; its Tools run when it is on, unless `tools` says otherwise."""
    running = power == "on" if tools is None else tools
    fields: dict[str, Any] = {
        "connection": "connected",
        "parent": "group-1",
        "tools_running": running,
        **more,
    }
    return VmFacts(id=f"vm-{name}", name=name, power=power, **fields)


def settings(
    *runbook: tuple[str, Sequence[str], float],
    ready: Any = "tools",
    pitr: bool = True,
    window_s: float = 86400,
    interval_s: float = 900,
    prune_also: Sequence[str] = (),
    keep: int = 31,
    points_for_s: float = 1e6,
) -> DomainSettings:
    """`runbook`: (group, patterns, delay in seconds)."""
    return DomainSettings(
        pitr=PitrSettings(
            enabled=pitr,
            window=Duration(window_s),
            interval=Duration(interval_s),
            keep=keep,
            points_for=Duration(points_for_s),
        ),
        ready=ready,
        prune_also=tuple(prune_also),
        ready_timeout=Duration(600),
        shutdown_timeout=Duration(300),
        runbook=tuple(
            RunbookSettings(group=g, vms=tuple(vms), delay_after=Duration(delay)) for g, vms, delay in runbook
        ),
    )


def failover(phase: Any, minutes: float = 0, **more: Any) -> FailoverRecord:
    fields: dict[str, Any] = {"id": OP, "type": FailoverType.REGULAR, **more}
    return FailoverRecord(began=T0, phase=phase, since=at(minutes), **fields)


def session(state: SessionState = SessionState.ACTIVE, **more: Any) -> SessionRecord:
    fields: dict[str, Any] = {"id": OP, **more}
    if state is not SessionState.WAITING:
        fields.setdefault("started", T0)
    return SessionRecord(state=state, **fields)


def rollback(phase: Any, minutes: float = 0, **more: Any) -> RollbackRecord:
    fields: dict[str, Any] = {"to": T0, **more}
    return RollbackRecord(id="op-2", phase=phase, since=at(minutes), **fields)


def domain_state(
    *vms: VmFacts,
    record: Record | None = None,
    rules: DomainSettings | None = None,
    protected: ProtectedVms | None = None,
    minutes: float = 0,
) -> DomainState:
    return DomainState(
        name="erp-prod",
        record=record or Record(),
        vms=vms,
        settings=rules or settings(),
        protected=protected,
        now=at(minutes),
    )
