"""A Protected Domain as the appliance tells of it. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import msgspec

from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import (
    Domain,
    Mode,
    Owner,
    PitrPolicy,
    Session,
    SessionState,
    SiteFact,
    Step,
    StepState,
    Vm,
)
from drdeck.model.text import show_bytes
from drdeck.model.times import show, show_spaced
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .answer_parser import COMPLETE, Alert, ApplianceVm, PitrStatus
from .field_reader import Timestamp

UNPUBLISHED = "the vendor has published no call for this: use its own screen"
"""Why no act is possible, and no restore point is listed."""

STEP_LABELS = {
    "PREREQ_CHECKS": "Prerequisite checks",
    "TAKE_DOMAIN_OWNERSHIP": "Take Protected Domain ownership",
    "PREPARE_REHYDRATION": "Prepare for rehydration",
    "PREPARE_ISOS": "Prepare Recovery VM ISOs",
    "PREPARE_TEMP_VMS": "Prepare temporary Recovery VMs",
    "POWERON_VMS_AND_RETRIEVE_IP": "Power on and retrieve Recovery VMs' IPs",
    "RECOVER_VMS_DATA": "Recover VMs' data from Storage Site",
    "CLEANUP_TEMP_VMS": "Clean up temporary Recovery VMs",
    "FINALIZE_VMS": "Finalize recovered VMs",
    COMPLETE: "Complete",
}
"""Published name -> the label of the vendor's task steps; any other name is shown as it came."""
_STATUSES = {"RECOVERABLE": "recoverable", "RECOVERED": "recovered"}
_SEVERITIES = {"CRITICAL": Severity.CRITICAL, "ERROR": Severity.CRITICAL, "INFO": Severity.INFO}
ALERT, ODD, SESSION_NOT_TOLD = "appliance_alert", "odd_answer", "session_not_told"


class PitrRun(msgspec.Struct, frozen=True, kw_only=True):
    """A PITR operation at the appliance: since when drdeck has seen it run."""

    id: str
    since: datetime


class DomainReading(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a domain of the settings. `status`: None before the first answer.

    `lost`, `lost_at`: why and since when it is not answered for. `run`: the operation that runs; None
    while none does. `since`: key of an alarm -> when it was first seen. `facts`: uuid -> the VM in vCenter.
    """

    ident: str
    status: PitrStatus | None = None
    lost: str = ""
    lost_at: datetime | None = None
    run: PitrRun | None = None
    since: Mapping[str, datetime] = {}
    facts: Mapping[str, VmFacts] = {}


def domain_of(reading: DomainReading, now: datetime) -> Domain:
    """The domain for the screens; what the call does not tell is left unknown."""
    status = reading.status or PitrStatus()
    vms = _vms(status, reading.facts)
    steps = _steps(status)
    lost_at = show_spaced(reading.lost_at) if reading.lost_at is not None else ""
    return Domain(
        id=reading.ident,
        name=status.name or reading.ident,
        mode=Mode.PITR_SESSION if reading.run is not None else Mode.UNKNOWN,
        mode_says=_mode(reading, status),
        owner=Owner.UNKNOWN,
        vms_total=len(vms),
        vms_recoverable=sum(vm.status == "recoverable" for vm in vms),
        vms_recovered=sum(vm.status == "recovered" for vm in vms),
        pitr=PitrPolicy(enabled=reading.status is not None),
        remaining_bytes=status.remaining_bytes,
        processed_bytes=status.recovered_bytes,
        step=next((step for step in steps if step.state is StepState.CURRENT), None),
        steps=steps,
        session=_session(reading.run, status),
        alarms=tuple(_alarms(reading, status, now)),
        vms=vms,
        observed_only=UNPUBLISHED,
        site_facts=tuple(_facts(reading.ident, status)),
        broken=f"not seen since {lost_at}: {reading.lost}" if reading.lost else None,
    )


def _mode(reading: DomainReading, status: PitrStatus) -> str:
    if reading.status is None:
        return "not seen yet"
    if reading.run is not None:
        return "PITR in progress"
    return "PITR complete" if status.complete else "no PITR in progress"


def _session(run: PitrRun | None, status: PitrStatus) -> Session | None:
    """The running operation as a session: its VMs are not protected, for at least as long as was seen."""
    if run is None:
        return None
    return Session(
        id=run.id,
        state=SessionState.ROLLING_BACK,
        started_at=run.since,
        progress=status.progress,
        target=status.rollback.instant if status.rollback is not None else None,
    )


def _vms(status: PitrStatus, facts: Mapping[str, VmFacts]) -> tuple[Vm, ...]:
    """In the appliance's order; ids of ours where it has none, or one twice, for rows are told by them."""
    times = Counter(vm.id for vm in status.vms)
    return tuple(
        _vm(vm, vm.id if vm.id and times[vm.id] == 1 else f"{vm.id}#{number}", facts.get(vm.uuid.lower()))
        for number, vm in enumerate(status.vms, 1)
    )


def _vm(vm: ApplianceVm, ident: str, fact: VmFacts | None) -> Vm:
    row = Vm(
        id=ident,
        name=vm.name or vm.uuid or vm.id or "a VM without a name",
        status=_STATUSES.get(vm.status, vm.status or "unknown"),
    )
    if fact is None:
        return row
    points = max((snapshot.created for snapshot in fact.snapshots), default=None)
    return msgspec.structs.replace(
        row, power=fact.power, restore_points=len(fact.snapshots), newest_point=points
    )


def _steps(status: PitrStatus) -> tuple[Step, ...]:
    """The steps in the appliance's order; one that is current and not among them stands at the end."""
    names = list(status.steps)
    if status.step and status.step not in names:
        names.append(status.step)
    current = names.index(status.step) if status.step in names else None
    return tuple(_step(number, len(names), name, current, status) for number, name in enumerate(names))


def _step(number: int, count: int, name: str, current: int | None, status: PitrStatus) -> Step:
    state = StepState.PENDING
    if number == current:
        state = StepState.DONE if name == COMPLETE else StepState.CURRENT
    elif current is not None and number < current and status.step in status.steps:
        state = StepState.DONE
    return Step(
        number=number + 1,
        of=count,
        label=STEP_LABELS.get(name, name),
        state=state,
        progress=status.progress if state is StepState.CURRENT else None,
    )


def _stamp(timestamp: Timestamp) -> str:
    if timestamp.instant is None:
        return f"{timestamp.raw} (as it came)" if timestamp.raw else "not told"
    return f"{show(timestamp.instant)} ({timestamp.raw})"


def _facts(ident: str, status: PitrStatus) -> list[SiteFact]:
    facts = [
        ("Domain id", ident + (f" (answered for as {status.id})" if status.id not in ("", ident) else "")),
        ("Connection status", status.connection),
        ("Progress", "" if status.progress is None else f"{status.progress:g} %"),
        ("Total data", "" if status.total_bytes is None else show_bytes(status.total_bytes)),
        ("Recovered data", "" if status.recovered_bytes is None else show_bytes(status.recovered_bytes)),
        ("Remaining data", "" if status.remaining_bytes is None else show_bytes(status.remaining_bytes)),
        ("Rollback timestamp", "" if status.rollback is None else _stamp(status.rollback)),
    ]
    facts += [
        (f"Previous recovery {recovery.index}".rstrip(), _stamp(recovery.point))
        for recovery in status.recoveries
    ]
    return [SiteFact(label=label, text=text or "not told") for label, text in facts]


def alert_key(alert: Alert) -> str:
    return f"{ALERT} {alert.code} {alert.category} {alert.name} {alert.cause} {alert.details}"


def odd_text(status: PitrStatus) -> str:
    """The oddities of an answer as one sentence; empty where there are none."""
    return "The appliance's answer is odd: " + "; ".join(status.oddities.values()) if status.oddities else ""


def alarm_keys(status: PitrStatus) -> list[str]:
    """A key for each alarm that an answer brings; its time is when its key was first seen."""
    keys = [alert_key(alert) for alert in status.alerts]
    if status.oddities:
        keys.append(f"{ODD} {odd_text(status)}")
    if status.complete:
        keys.append(SESSION_NOT_TOLD)
    return keys


def _alarms(reading: DomainReading, status: PitrStatus, now: datetime) -> list[Alarm]:
    def first_seen(key: str) -> datetime:
        return reading.since.get(key, now)

    alarms = {
        alert_key(alert): Alarm(
            time=first_seen(alert_key(alert)),
            severity=_SEVERITIES.get(alert.category.upper(), Severity.WARNING),
            vm=None,
            kind=ALERT,
            text=_alert_text(alert),
        )
        for alert in status.alerts
    }
    if text := odd_text(status):
        key = f"{ODD} {text}"
        alarms[key] = Alarm(
            time=first_seen(key),
            severity=Severity.WARNING,
            vm=None,
            kind=ODD,
            text=text + ". Shown is what came.",
        )
    if status.complete:
        alarms[SESSION_NOT_TOLD] = Alarm(
            time=first_seen(SESSION_NOT_TOLD),
            severity=Severity.WARNING,
            vm=None,
            kind=SESSION_NOT_TOLD,
            text="The PITR operation is complete. The published call does not tell whether its session was"
            " exited, without which the VMs are not protected: see the appliance's own screen.",
        )
    return list(alarms.values())


def _alert_text(alert: Alert) -> str:
    """The alert in the appliance's words."""
    about = [f"code {alert.code}" if alert.code else "", alert.category]
    if alert.resumable is not None:
        about.append("resumable" if alert.resumable else "not resumable")
    what = alert.name or "an alert without a name"
    kinds = ", ".join(part for part in about if part)
    cause = ": ".join(part for part in (alert.cause, alert.details) if part)
    return f"{what} ({kinds})" + (f": {cause}" if cause else "") if kinds else what
