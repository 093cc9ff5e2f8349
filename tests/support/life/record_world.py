"""A vSphere domain as its record and the facts of its VMs: plans are carried out on them, purely.

Each write of the record is one attribute after the other, as at a vCenter; after each of them the record
must still be one that can be read.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import msgspec

from drdeck.config.settings import DomainSettings, Duration, PitrSettings
from drdeck.controller.first_command import first_command
from drdeck.controller.journal.operations import Operation
from drdeck.model import commands as c
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory, SnapshotFact, VmFacts
from drdeck.sites.vsphere.plan import domain_view
from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms
from drdeck.sites.vsphere.plan.planner import plan
from drdeck.sites.vsphere.plan.preconditions import why_not
from drdeck.sites.vsphere.plan.trials.trial_plan import self_driven
from drdeck.sites.vsphere.plan.vm_rows import VmRows
from drdeck.sites.vsphere.record.attribute_changes import NotNow
from drdeck.sites.vsphere.record.attributes import in_order, read
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record_changes import record_changes
from drdeck.sites.vsphere.trial_work import KINDS
from tests.support.life import trial_world
from tests.support.vcenter.domain_states import T0, vm

SETTINGS = DomainSettings(
    pitr=PitrSettings(enabled=True, window=Duration(86400.0), interval=Duration(900.0)), ready="power"
)
_FOLDER = "group-1"


class RecordWorld:
    """Two VMs under one folder; `stranger`: ids of snapshots that are not drdeck's, which must stay."""

    def __init__(self) -> None:
        self.now: datetime = T0
        self.attributes: dict[str, str] = {}
        self.vms: dict[str, VmFacts] = {}
        self.owned_there = False
        self.strangers: set[str] = set()
        self._done: set[tuple[str, str]] = set()
        """(operation, key) of calls that were made: a controller makes none twice"""
        self._numbers = itertools.count(1)
        self.tests = trial_world.TestFolder(self.state)
        for name in ("app", "db"):
            self.vms[f"vm-{name}"] = vm(name, "off")
        self.replicate()

    # -- what is there

    @property
    def record(self) -> Record:
        return read(self.attributes)

    def state(self) -> DomainState:
        there = ProtectedVms(
            vms=tuple(msgspec.structs.replace(one, power="off") for one in self.vms.values()),
            owned=self.owned_there or None,
            owned_since=self.now - timedelta(seconds=1) if self.owned_there else None,
        )
        return DomainState(
            name="erp",
            record=self.record,
            vms=tuple(self.vms.values()),
            settings=SETTINGS,
            protected=there,
            now=self.now,
            trials=self.tests.folder_inventory(),
            trial_settings=trial_world.SETTINGS,
            root="root",
        )

    def inventory(self) -> Inventory:
        root = FolderFacts("root", "drdeck", None)
        folder = FolderFacts(_FOLDER, "erp", "root", self.attributes)
        return Inventory(1, root, {_FOLDER: folder}, self.vms, {})

    def view(self) -> Domain:
        s, inventory = self.state(), self.inventory()
        rows = VmRows().of(s, inventory, {}, lambda vm: ())
        folder = inventory.folders[_FOLDER]
        return domain_view.build(
            s, folder, inventory, plan(s), rows, lambda kind, vm: self.now, ("here", "there")
        )

    # -- what befalls it

    def replicate(self) -> None:
        """The tool brings a point of each VM that is off, as its own snapshot."""
        for machine in list(self.vms.values()):
            if machine.power == "off":
                self.strangers.add(self._snapshot(machine.id, f"replica {self.now:%H:%M:%S}", ""))

    def power(self, to: str) -> None:
        """Somebody switches all VMs here."""
        for machine in self.vms.values():
            self._put(machine, power=to, tools_running=to == "on")

    # -- what is asked, and what is due

    def ask(self, request: Request, ident: str) -> str | None:
        """Give the first command of a request; why the site would not."""
        operation = Operation(id=ident, request=request, actor="anna", asked_at=self.now, session=None)
        return self.command(first_command(operation))

    def command(self, command: c.AnyCommand) -> str | None:
        s = self.state()
        closed = why_not(command, s, self.inventory())
        if closed is not None:
            return closed
        try:
            self._write(self._changes(command))
        except NotNow as error:
            return str(error)
        return None

    def _changes(self, command: c.AnyCommand) -> dict[str, str]:
        if self.tests.is_of_a_trial(command):
            return self.tests.changes(command)
        return record_changes(command, self.state(), self.inventory(), self.now)

    def _write(self, changes: dict[str, str]) -> None:
        for name, value in in_order(changes, self.attributes):
            self.attributes[name] = value
            self.attributes = {key: text for key, text in self.attributes.items() if text}
            read(self.attributes)  # raises BrokenRecord: a crash here would leave it so

    def work(self) -> bool:
        """Carry out what is due, one call of it or one step; False when nothing is."""
        self.now += timedelta(seconds=1)
        plan_now = plan(self.state())
        phase = plan_now.phase
        for call in phase.calls if phase is not None else ():
            if (call_key := (phase.operation if phase else "", call.key)) not in self._done:
                self._done.add(call_key)
                self._carry_out(call)
                return True
        if phase is not None and not phase.wait and phase.then is not None:
            self._take(phase.operation, phase.then)
            return True
        return self._follow_on() or self._maintain()

    def _take(self, operation: str, call: PlannedCall) -> None:
        self._write(self._changes(c.MakePlannedCall(operation=operation, domain="erp", call=call)))

    def _maintain(self) -> bool:
        """What is due without an operation: the end of a test that a failover parked."""
        due = self_driven(self.state())
        for call in due:
            if call.kind == "step":
                self._take("", call)
            else:
                self._carry_out(call)
        return bool(due)

    def _follow_on(self) -> bool:
        """A completion whose VMs are all recovered goes on to its session, or ends."""
        f = self.record.failover
        if f is None or f.phase != "recovered" or self.record.session is not None:
            return False
        if f.pitr:
            begun = c.StartSession(operation=f.id, domain="erp", session=f.id, after_failover=True)
            return self.command(begun) is None
        return self.command(c.FinishFailover(operation=f.id, domain="erp")) is None

    def _carry_out(self, call: PlannedCall) -> None:
        if call.kind in KINDS:
            self._write(self.tests.carry_out(call))
            return
        vm = self.vms[call.vm or ""]
        match call.kind:
            case "power_on":
                self._put(vm, power="on", tools_running=True)
            case "power_off":
                self._put(vm, power="off", tools_running=False)
            case "prepare" | "snapshot":
                if not vm.has_snapshot(call.args["name"]):
                    self._snapshot(vm.id, call.args["name"], call.args["description"])
            case "revert":
                assert any(s.id == call.args["snapshot"] for s in vm.snapshots), call
                self._put(vm, current_snapshot=call.args["snapshot"])
            case "remove":
                ident = call.args["snapshot"]
                assert ident not in self.strangers, f"somebody else's snapshot is removed: {call.says}"
                below = next(s.parent_id for s in vm.snapshots if s.id == ident)
                left = [
                    msgspec.structs.replace(s, parent_id=below) if s.parent_id == ident else s
                    for s in vm.snapshots
                    if s.id != ident
                ]
                current = below if vm.current_snapshot == ident else vm.current_snapshot
                self._put(vm, snapshots=tuple(left), current_snapshot=current)
            case "connect":
                pass
            case kind:
                raise AssertionError(f"no call of a failover or its way back: {kind}")

    def _snapshot(self, vm_id: str, name: str, description: str) -> str:
        vm, ident = self.vms[vm_id], f"snapshot-{next(self._numbers)}"
        fact = SnapshotFact(ident, name, description, self.now, vm.current_snapshot)
        self._put(vm, snapshots=(*vm.snapshots, fact), current_snapshot=ident)
        return ident

    def _put(self, vm: VmFacts, **changes: Any) -> None:
        self.vms[vm.id] = msgspec.structs.replace(vm, **changes)


COMPLETIONS = (FailoverType.REGULAR, FailoverType.FORCE)
"""Types that wait for nothing at the protected site."""
