"""The answer of the published call for a domain of a training site. Pure functions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, Session, SessionState, Step, StepState, Vm

STEPS = (
    "PREREQ_CHECKS", "TAKE_DOMAIN_OWNERSHIP", "PREPARE_REHYDRATION", "PREPARE_ISOS", "PREPARE_TEMP_VMS",
    "POWERON_VMS_AND_RETRIEVE_IP", "RECOVER_VMS_DATA", "CLEANUP_TEMP_VMS", "FINALIZE_VMS", "COMPLETE",
)  # fmt: skip
"""The published names of the steps, in the published order."""
_BY_LABEL = {
    "Prerequisite checks": "PREREQ_CHECKS",
    "Take Protected Domain ownership": "TAKE_DOMAIN_OWNERSHIP",
    "Prepare for rehydration": "PREPARE_REHYDRATION",
    "Prepare Recovery VM ISOs": "PREPARE_ISOS",
    "Prepare temporary Recovery VMs": "PREPARE_TEMP_VMS",
    "Power on and retrieve Recovery VMs' IPs": "POWERON_VMS_AND_RETRIEVE_IP",
    "Recover VMs' data from Storage Site": "RECOVER_VMS_DATA",
    "Clean up temporary Recovery VMs": "CLEANUP_TEMP_VMS",
    "Finalize recovered VMs": "FINALIZE_VMS",
}
"""Label of a task step of the training site -> its published name, where it has one."""
_RECOVERING = "RECOVER_VMS_DATA"
KB = 1024
STORE_LOST = "object_store_lost"
"""The kind of the training site's alarm for which the one published alert stands."""


def domain_id(name: str) -> str:
    """The id of a domain, the same at each start."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"drdeck-training:{name}"))


def status_of(domain: Domain) -> dict[str, Any]:
    """The answer, with the whole published set of fields; what there is none of is null or empty.

    Timestamps are in milliseconds since 1970: the unit of the vendor's is not published.
    """
    step, progress = _current(domain)
    total, recovered = _sizes(domain)
    session = domain.session
    return {
        "id": domain_id(domain.name),
        "name": domain.name,
        "totalDataKB": _kb(total),
        "remainingDataKB": None if total is None or recovered is None else _kb(total - recovered),
        "recoveredDataKB": _kb(recovered),
        "connectionStatus": "LOST" if _store_alarms(domain) else "OK",
        "progress": progress,
        "rollbackTimestamp": _ms(session.target or session.rolled_back_to) if session else None,
        "protectedVms": [_vm(domain, vm) for vm in domain.vms],
        "overview": {"steps": list(STEPS), "currentStep": step},
        "criticalAlerts": [_alert(alarm) for alarm in _store_alarms(domain)],
        "previousRecoveries": _recoveries(session),
    }


def _sizes(domain: Domain) -> tuple[int | None, int | None]:
    """Bytes in all and recovered: in a rollback so many as its progress tells."""
    processed, remaining, session = domain.processed_bytes, domain.remaining_bytes, domain.session
    if processed is None or remaining is None:
        return None, None
    total = processed + remaining
    if session is not None and session.state is SessionState.ROLLING_BACK:
        return total, round(total * (session.progress or 0) / 100)
    return total, processed


def _current(domain: Domain) -> tuple[str | None, int | None]:
    """The published step that the domain is at, and how far it is in percent."""
    session = domain.session
    if session is not None and session.state is SessionState.ROLLING_BACK:
        return _RECOVERING, round(session.progress or 0)
    if session is not None and session.rolled_back_to is not None:
        return "COMPLETE", 100
    step = _last_named(domain.steps)
    if step is None:
        return None, None
    return _BY_LABEL[step.label], None if step.progress is None else round(step.progress)


def _last_named(steps: tuple[Step, ...]) -> Step | None:
    """The newest step up to the current one that has a published name; None when nothing goes on."""
    if not any(step.state is StepState.CURRENT for step in steps):
        return None
    begun = [step for step in steps if step.state is not StepState.PENDING and step.label in _BY_LABEL]
    return begun[-1] if begun else None


def _vm(domain: Domain, vm: Vm) -> dict[str, str]:
    ident = str(uuid.uuid5(uuid.UUID(domain_id(domain.name)), vm.id))
    return {"id": vm.id, "uuid": ident, "name": vm.name, "status": vm.status.upper()}


def _store_alarms(domain: Domain) -> list[Alarm]:
    return [alarm for alarm in domain.alarms if alarm.kind == STORE_LOST]


def _alert(alarm: Alarm) -> dict[str, Any]:
    return {
        "code": 20102,
        "category": "CRITICAL" if alarm.severity is Severity.CRITICAL else "WARNING",
        "name": "DOMAIN_ALERT_OBJECT_STORE_CONNECTION_LOST",
        "causeMessageCode": alarm.kind.upper(),
        "causeMessageDetails": alarm.text,
        "resumable": True,
    }


def _recoveries(session: Session | None) -> list[dict[str, Any]]:
    if session is None or session.rolled_back_to is None:
        return []
    return [{"index": session.rollbacks, "rollbackPointTimestamp": _ms(session.rolled_back_to)}]


def _kb(count: int | None) -> int | None:
    return None if count is None else count // KB


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1000)
