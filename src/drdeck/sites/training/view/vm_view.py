"""The VMs of a domain as the model shows them."""

from __future__ import annotations

from drdeck.model import domains as model
from drdeck.model.domains import Health, Mode
from drdeck.sites.training.simulation import other_users, restore_points
from drdeck.sites.training.simulation.domain_machine import DomainMachine, SessionStage, Stage
from drdeck.sites.training.simulation.operator_questions import POWER_ON_ERROR
from drdeck.sites.training.simulation.restore_points import Grid
from drdeck.sites.training.simulation.vm_state import VmState
from drdeck.sites.training.units import instant, percent

_HERE = frozenset(
    {Stage.TAKING_OVER, Stage.RUNBOOK, Stage.RECOVERED, Stage.RUNNING, Stage.PROTECTED, Stage.RETURNING}
)


class VmViews:
    """Views of a domain's VMs. Works out once what all share; counts them while they are drawn."""

    def __init__(self, machine: DomainMachine, at: int, mode: Mode, grid: Grid | None) -> None:
        self.recoverable = 0
        self.recovered = 0
        self._machine = machine
        self._at = at
        self._mode = mode
        self._points = (0, None) if grid is None else _points(grid, at)
        self._enabled = grid is not None
        self._entered = restore_points.entry(machine, at) if grid is not None else None
        self._group = {number: group.name for group in machine.groups for number in group.vms}
        self._rank = {number: rank for rank, number in enumerate(machine.order)}
        self._members = frozenset(() if machine.session is None else machine.session.vms)
        flow = machine.flow
        self._seeded = 0 if flow is None else flow.seeded
        lag = None if flow is None or not self._seeded else flow.lag(at)
        self._fresh = lag is None or mode is not Mode.REHYDRATING
        self._brought = (0, 0) if flow is None else flow.brought(at)
        self._of_others: dict[str, tuple[str, ...]] = {}
        for snapshot in other_users.snapshots(machine, at):
            self._of_others[snapshot.vm] = (*self._of_others.get(snapshot.vm, ()), snapshot.name)
        here = machine.stage in _HERE and machine.spec.state != "protected"
        self._networks = {
            name: (machine.network_here(name) if here else name,)
            for name in {vm.network for vm in machine.vms}
        }

    def of(self, vm: VmState) -> model.Vm:
        at, boot = self._at, vm.boot
        status, progress, detail = self._status(vm)
        count, newest = self._count(vm)
        on = boot is not None and boot.on(at)
        ready = None if boot is None else boot.ready(at)
        health = Health.UNKNOWN
        if on and ready:
            health = Health.FAILED if vm.broken(at) else Health.OK
        error = None
        if boot is not None and boot.skipped:
            error = "left off by the operator's word"
        elif boot is not None and boot.failing(at):
            error = POWER_ON_ERROR
        elif vm.stuck_at <= at:
            error = "did not shut down at the protected site"
        return model.Vm(
            id=f"vm-{self._machine.number + 1}-{vm.number + 1}",
            name=vm.name,
            status=status,
            power="on" if on else "off",
            ready=ready,
            health=health,
            restore_points=count,
            newest_point=None if newest is None else instant(newest),
            rolled_back_to=None if vm.rolled_to is None else instant(vm.rolled_to),
            error=error,
            group=self._group.get(vm.number),
            networks=self._networks[vm.network],
            foreign_snapshots=self._of_others.get(vm.name, ()),
            progress=progress,
            detail=detail,
        )

    def _count(self, vm: VmState) -> tuple[int, int | None]:
        machine = self._machine
        if not self._enabled:
            return 0, None
        count, newest = self._points
        if machine.dropped:
            count, newest = _points(restore_points.of_vm(machine, vm.number, self._at), self._at)
        if self._entered is not None and vm.number in self._members:
            return count + 1, self._entered
        return count, newest

    def _status(self, vm: VmState) -> tuple[str, float | None, str]:
        """(status, progress, detail), counted."""
        stage, at = self._machine.stage, self._at
        if stage in (Stage.IMPORTED, Stage.PROTECTED):
            self.recoverable += 1
            self.recovered += stage is Stage.PROTECTED
            return self._in_session(vm) or ("protected", None, "")
        if stage in (Stage.PREPARING, Stage.REHYDRATING):
            return self._rehydrating(vm)
        self.recoverable += 1
        if stage in (Stage.RECOVERED, Stage.RUNNING):
            self.recovered += 1
            return self._in_session(vm) or ("recovered", None, "")
        if stage is Stage.RETURNING:
            self.recovered += 1
            return self._returning(vm)
        if stage is Stage.SHUTTING_DOWN:
            going = "will not shut down" if vm.stuck_at <= at else "shutting down at the protected site"
            return "recoverable", None, going if vm.at_source else "off at the protected site"
        if stage is Stage.RUNBOOK:
            return self._starting(vm)
        return ("recovering" if stage is Stage.TAKING_OVER else "recoverable"), None, ""

    def _returning(self, vm: VmState) -> tuple[str, float | None, str]:
        """Of a failback: the data of one VM after the other flows back."""
        if self._machine.transfer is None:
            return "recovered", None, "" if vm.runs_here(self._at) else "off here"
        done, whole = self._machine.transfer.of_vm(vm.number, self._at)
        return "recovered", percent(done, whole), "is back" if done >= whole else "flows back"

    def _starting(self, vm: VmState) -> tuple[str, float | None, str]:
        boot, at = vm.boot, self._at
        if boot is None:
            return "recovering", None, self._held_up()
        if boot.skipped or boot.ready(at):
            self.recovered += 1
            return "recovered", None, ""
        return "recovering", None, "did not power on" if boot.failing(at) else "starting"

    def _rehydrating(self, vm: VmState) -> tuple[str, float | None, str]:
        rank = self._rank[vm.number]
        if self._machine.flow is None or rank > self._seeded:
            waits = "" if self._machine.flow is None else "queued"
            return "not_recoverable", 0.0, waits
        if rank == self._seeded:
            done, whole = self._brought
            return "rehydrating", percent(done, whole), ""
        if not self._fresh:
            return "rehydrating", None, "falls behind"
        self.recoverable += 1
        return "recoverable", None, ""

    def _in_session(self, vm: VmState) -> tuple[str, float | None, str] | None:
        machine, at = self._machine, self._at
        session = machine.session
        if session is None or vm.number not in self._members:
            return None
        if session.stage is SessionStage.READING and machine.transfer is not None and vm.target is not None:
            done, whole = machine.transfer.of_vm(vm.number, at)
            going = "data read" if done >= whole else "reading" if done else "queued"
            return "rolling_back", percent(done, whole), going
        if session.stage is SessionStage.REVERTED and vm.number in session.reverted:
            return "rolling_back", 100.0, "waits for other domains"
        if session.stage is SessionStage.BOOTING and machine.startup is not None:
            boot = machine.startup.boots.get(vm.number)
            if boot is not None and not (boot.skipped or boot.ready(at)):
                return "rolling_back", 100.0, "did not power on" if boot.failing(at) else "starting"
            if boot is None and any(vm.number in group.vms for group in machine.startup.groups):
                return "rolling_back", 100.0, self._held_up()
        return None

    def _held_up(self) -> str:
        """Name of the runbook group that starts before a VM's own."""
        group = None if self._machine.startup is None else self._machine.startup.group
        return "queued" if group is None else f"waits: {group.name}"


def _points(grid: Grid, at: int) -> tuple[int, int | None]:
    return grid.count(), grid.newest(at)
