"""The test folder of a `RecordWorld`: clones that come late or unnoticed, and what others do with them.

Who destroys a VM is checked here: only ever one that was cloned for a test, with which nobody else works.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec

from drdeck.config.settings import TrialSettings
from drdeck.model import commands as c
from drdeck.model.planned import PlannedCall
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.inventory.trial_inventory import TrialInventory, TrialVmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.trials import trial_plan
from drdeck.sites.vsphere.record import trial_transitions
from drdeck.sites.vsphere.record.record_values import CloneRecord
from drdeck.sites.vsphere.trial_work import TrialWork
from drdeck.sites.vsphere.vcenter.calls.trials.linked_clone import Cloned
from drdeck.sites.vsphere.vcenter.calls.trials.trial_removal import Removed

COLLEAGUE = "vm-colleague"
IN_USE = "it has a snapshot, so somebody works with it"
SETTINGS = TrialSettings(folder="/DC0/vm/drdeck-test", network="bubble", space="0%")
State = Callable[[], DomainState]


class TestFolder:
    """`vms`: what is in it, a colleague's VM from the start; `in_use`: VMs that somebody works with."""

    __test__ = False

    def __init__(self, state: State) -> None:
        theirs = VmFacts(id=COLLEAGUE, name="drdeck-test-colleague", parent="tests", power="off")
        self.vms = {COLLEAGUE: TrialVmFacts(theirs)}
        self.in_use: set[str] = set()
        self.late = 0
        """so many of the next clones come after the call was given up, and nobody notes them"""
        self._coming: list[TrialVmFacts] = []
        self._state, self._numbers = state, itertools.count(1)
        self._marks: set[str] = set()
        site: Any = SimpleNamespace(
            now=lambda: state().now, trials=SimpleNamespace(inventory=None), name="here"
        )
        self._site, self._work = site, TrialWork(site, lambda: None)  # type: ignore[arg-type,return-value]

    def folder_inventory(self) -> TrialInventory:
        return TrialInventory(folder="tests", vms=dict(self.vms))

    def clones_arrive(self) -> None:
        """What vCenter went on with comes into the folder."""
        for facts in self._coming:
            self.vms[facts.vm.id] = facts
        self._coming.clear()

    # -- the record

    def is_of_a_trial(self, command: c.AnyCommand) -> bool:
        return self._work.is_of_a_trial(command)

    def changes(self, command: c.AnyCommand) -> dict[str, str]:
        """What a command of a test changes of the record; adoptions are looked at as vCenter would be."""
        s = self._state()
        self._site.trials.inventory = self.folder_inventory()
        if isinstance(command, c.AdoptTrialVms):
            return trial_transitions.adopt(s.record, self._adopted(command.vms), True)
        if isinstance(command, c.MakePlannedCall) and command.call.args["to"] == "trial_adopt":
            marker = s.record.trial.marker if s.record.trial is not None else ""
            own = [facts.vm.id for facts in trial_plan.strays(s) if facts.marker == marker]
            return trial_transitions.adopt(s.record, self._adopted(own), False)
        return self._work.changes(command, s.record, s)

    def _adopted(self, idents: list[str] | tuple[str, ...]) -> dict[str, CloneRecord | str]:
        looked_at: dict[str, CloneRecord | str] = {}
        for ident in idents:
            facts = self.vms[ident]
            clone = CloneRecord(of=facts.of, snapshot="", uuid=ident, marker=facts.marker, bases=())
            looked_at[ident] = IN_USE if ident in self.in_use else clone
        return looked_at

    # -- calls

    def carry_out(self, call: PlannedCall) -> dict[str, str]:
        """Make a call of a test, and what the record keeps of it."""
        match call.kind:
            case "clone":
                answer = self._clone(call)
            case "trial_on":
                self._put(call.vm or "", power="on", tools_running=True)
                answer = ""
            case "trial_off" | "destroy":
                answer = self._end(call)
            case kind:
                raise AssertionError(f"no call of a test: {kind}")
        return self._work.kept(call, answer, self._state().record)[0]

    def _clone(self, call: PlannedCall) -> str:
        marker, source = call.args["marker"], call.vm or ""
        self._marks.add(marker)
        twins = [f for f in [*self.vms.values(), *self._coming] if (f.marker, f.of) == (marker, source)]
        assert not twins, f"a second clone: {twins}"
        ident = f"vm-test-{next(self._numbers)}"
        assert call.args["name"] not in {f.vm.name for f in self.vms.values()}, "the name is taken"
        vm = VmFacts(
            id=ident, name=call.args["name"], parent="tests", power="off", connection="connected"
        )  # fmt: skip
        facts = TrialVmFacts(vm, marker=marker, of=source)
        if self.late:
            self.late -= 1
            self._coming.append(facts)
            return ""
        self.vms[ident] = facts
        return msgspec.json.encode(Cloned(vm=ident, uuid=ident, bases=())).decode()

    def _end(self, call: PlannedCall) -> str:
        ident = call.vm or ""
        facts = self.vms.get(ident)
        if facts is None:
            return msgspec.json.encode(Removed()).decode()
        if ident in self.in_use:
            return msgspec.json.encode(Removed(left=IN_USE)).decode()
        assert facts.marker == call.args["marker"] and facts.marker in self._marks, f"not a test's: {ident}"
        if call.kind == "trial_off":
            self._put(ident, power="off", tools_running=False)
            return ""
        assert facts.vm.power == "off", "it runs"
        del self.vms[ident]
        return msgspec.json.encode(Removed()).decode()

    def _put(self, ident: str, **changes: Any) -> None:
        facts = self.vms[ident]
        self.vms[ident] = msgspec.structs.replace(facts, vm=msgspec.structs.replace(facts.vm, **changes))
