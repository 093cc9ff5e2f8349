"""Alarms of a domain; each goes when its cause goes."""

from __future__ import annotations

from drdeck.model.alarms import Alarm, Severity
from drdeck.sites.training.simulation import operator_questions, other_users
from drdeck.sites.training.simulation.domain_machine import DomainMachine, Stage
from drdeck.sites.training.units import instant


def of(machine: DomainMachine, at: int) -> tuple[Alarm, ...]:
    """The alarms of a domain, oldest first."""
    alarms: list[Alarm] = []
    if machine.store_lost_at is not None:
        alarms.append(
            Alarm(
                time=instant(machine.store_lost_at),
                severity=Severity.WARNING,
                vm=None,
                kind="object_store_lost",
                text=f'the object store "{machine.spec.storage_site}" cannot be reached;'
                " no data comes or goes until it can",
            )
        )
    if machine.site_lost_at is not None and not machine.local:
        alarms.append(
            Alarm(
                time=instant(machine.site_lost_at),
                severity=Severity.CRITICAL,
                vm=None,
                kind="protected_site_lost",
                text=f"the protected site {machine.spec.owner_address} does not answer",
            )
        )
    if machine.stage is Stage.SHUTTING_DOWN:
        alarms.extend(
            _vm_alarm(vm.stuck_at, vm.name, "shutdown_failed", "did not shut down at the protected site")
            for vm in machine.vms
            if vm.stuck_at <= at
        )
    alarms.extend(
        _vm_alarm(vm.boot.fails_at, vm.name, "power_on_failed", operator_questions.POWER_ON_ERROR)
        for vm in machine.vms
        if vm.boot is not None and vm.boot.failing(at)
    )
    alarms.extend(other_users.alarms(machine, at))
    return tuple(sorted(alarms, key=lambda alarm: (alarm.time, alarm.kind, alarm.vm or "")))


def _vm_alarm(since: int, vm: str, kind: str, text: str) -> Alarm:
    return Alarm(time=instant(since), severity=Severity.CRITICAL, vm=vm, kind=kind, text=f'"{vm}" {text}')
