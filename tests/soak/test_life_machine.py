"""A domain's whole life in any order at both kinds of site: a way on and a way back from everywhere.

DRDECK_MACHINE_EXAMPLES=2000 tries that many lives, new ones each time; without it the same few.
"""

from __future__ import annotations

import itertools
import os
from abc import abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from drdeck.controller.first_command import first_command
from drdeck.controller.journal.operations import Operation
from drdeck.model import commands as c
from drdeck.model.actions.action_table import ACTIONS, refusal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, Period, SessionState
from drdeck.model.facts.fault_kinds import FaultKind
from drdeck.model.facts.trial_facts import TrialState
from drdeck.sites.training.simulation.fault_injection import InjectFault
from drdeck.sites.training.site_simulation import SiteSimulation
from tests.support.life.record_world import RecordWorld
from tests.support.life.trial_world import COLLEAGUE
from tests.support.training.training_build import START, scenario
from tests.support.training.training_build import domain as training_domain

EXAMPLES = int(os.environ.get("DRDECK_MACHINE_EXAMPLES", "0"))
OURS = (Mode.RUNNING_IN_FAILOVER, Mode.PITR_SESSION, Mode.PROTECTED)
THEIRS = (Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED, Mode.RELEASING)
LIFE = (
    "cfo_start", "cfo_complete", "cfo_cancel", "cfo_resume", "pitr_start", "pitr_exit", "failover_undo",
    "failover_commit", "domain_restore", "domain_release", "release_cancel", "domain_failback",
)  # fmt: skip
requests = st.builds(
    Request,
    action=st.sampled_from(LIFE),
    domain=st.just("erp"),
    type=st.sampled_from([FailoverType.REGULAR, FailoverType.FORCE]),
    run_pitr=st.booleans(),
    confirm=st.just("erp"),
)


def _ends_before(period: Period, end: datetime | None) -> bool:
    return period.end is not None and (end is None or period.end < end)


class Life(RuleBasedStateMachine):
    """What holds at either site. `met`: the labels of the modes that were met in any life."""

    met: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.excluded: tuple[Period, ...] = ()

    @abstractmethod
    def view(self) -> Domain: ...

    @abstractmethod
    def give(self, request: Request, ident: str) -> str | None:
        """Give the first command of a request to the site; its refusal."""

    @abstractmethod
    def pass_time(self) -> None:
        """Let what is due be done, one thing of it or a few."""

    @abstractmethod
    def other_side(self, owns: bool) -> None:
        """The other side takes the domain, or gives it back, where that is not this site's to do."""

    @abstractmethod
    def replicas_come(self) -> None: ...

    def ask(self, request: Request) -> str | None:
        """As the controller does: a rule refuses first, then the site."""
        domain = self.view()
        closed = refusal(request, domain, self.now())
        if closed is not None:
            assert closed.strip() and "_" not in closed.replace(domain.name, ""), closed
            return closed
        return self.give(request, f"op-{next(self.numbers)}")

    @abstractmethod
    def now(self) -> datetime: ...

    @rule(request=requests)
    def somebody_asks(self, request: Request) -> None:
        self.ask(request)

    @rule(which=st.integers(0, 20), kind=st.sampled_from([FailoverType.REGULAR, FailoverType.FORCE]))
    def somebody_chooses(self, which: int, kind: FailoverType) -> None:
        """One of what is open, and until it is done; at times the other side acts before."""
        if which % 4 == 1:
            self.other_side(True)
        domain, pitr = self.view(), which % 3 == 0
        asks = [Request(action=a, domain="erp", type=kind, run_pitr=pitr, confirm="erp") for a in LIFE]
        possible = [request for request in asks if refusal(request, domain, self.now()) is None]
        if possible:
            self.ask(possible[which % len(possible)])
            self.note()
        self.time_goes_by(40)

    @rule(which=st.integers(0, 20), kind=st.sampled_from([FailoverType.REGULAR, FailoverType.FORCE]))
    def somebody_goes_on(self, which: int, kind: FailoverType) -> None:
        """Twice as likely as anything else."""
        self.somebody_chooses(which, kind)

    @rule(
        what=st.sampled_from(("test_start", "test_start", "test_end", "test_adopt", "test_detach")),
        times=st.integers(0, 40),
    )
    def somebody_tests(self, what: str, times: int) -> None:
        refused = self.ask(self.request_of(what))
        self.note()
        self.time_goes_by(times)
        trial = self.view().trial
        if what == "test_detach" and refused is None:
            assert trial is None or not trial.foreign, "detached is detached"

    @rule(which=st.integers(0, 3), interferes=st.booleans())
    def somebody_tests_to_the_end(self, which: int, interferes: bool) -> None:
        """From the start to the end, whatever the domain does; at times somebody works in a test VM."""
        for what in ("test_start", "test_end"):
            self.ask(self.request_of(what))
            self.note()
            self.give_word()
            self.time_goes_by(12)
            if interferes:
                self.work_in_a_test_vm(which)
        self.give_word()

    def give_word(self) -> None:
        """Nothing, where nobody is asked."""

    @rule(stays=st.booleans())
    def somebody_fails_over(self, stays: bool) -> None:
        """And thinks better of it, or stays."""
        acts = ("failover_commit", "domain_restore") if stays else ("failover_undo",)
        for action in ("cfo_start", "cfo_complete", *acts):
            self.ask(Request(action=action, domain="erp", type=FailoverType.REGULAR, confirm="erp"))
            self.note()
            self.time_goes_by(40)

    def work_in_a_test_vm(self, which: int) -> None:
        """Nothing, where nobody else gets to them."""

    def note(self) -> None:
        """Count what is met now."""
        domain = self.view()
        self.met.add(domain.mode_label)
        if domain.trial is not None:
            self.met.add(f"test {domain.trial.state}")
        if domain.strays:
            self.met.add("test VM in no list")
        if domain.question is not None:
            self.met.add(f"asked about {domain.question.id.partition(':')[0]}")

    def time_goes_by(self, times: int) -> None:
        for _ in range(times):
            self.pass_time()
            self.note()

    def request_of(self, what: str) -> Request:
        """A request about a test, short enough to be overdue in some lives; all strays are to be adopted."""
        domain = self.view()
        strays = tuple(vm.id for vm in domain.strays) if what == "test_adopt" else ()
        lasts_s = 60.0 if what == "test_start" else None
        disks = ("a file",) if what == "test_detach" and domain.trial and domain.trial.foreign else ()
        return Request(action=what, domain="erp", ends_after_s=lasts_s, test_vms=strays, disks=disks)

    @rule(times=st.integers(1, 30))
    def time_passes(self, times: int) -> None:
        self.time_goes_by(times)

    @rule(owns=st.booleans())
    def the_other_side_acts(self, owns: bool) -> None:
        self.other_side(owns)

    @rule()
    def data_comes(self) -> None:
        self.replicas_come()

    @invariant()
    def owner_and_mode_never_disagree(self) -> None:
        domain = self.view()
        self.note()
        if domain.mode in OURS:
            assert domain.owner is Owner.LOCAL, domain.mode
        if domain.mode in THEIRS:
            assert domain.owner is Owner.REMOTE, domain.mode
        assert domain.session is None or domain.owner is Owner.LOCAL
        for earlier in self.excluded:
            end = earlier.end or domain.excluded[-1].end
            covered = [p for p in domain.excluded if p.start <= earlier.start and not _ends_before(p, end)]
            assert covered, f"an excluded period was forgotten: {earlier} is not in {domain.excluded}"
        self.excluded = domain.excluded

    @invariant()
    def there_is_a_way_on_or_a_reason(self) -> None:
        """An item of the menu is open, or says why not; where all are closed something goes on by itself."""
        domain = self.view()
        listed = [action for action in ACTIONS if action.menu and not action.reads and action.listed(domain)]
        asks = [Request(action=action.name, domain="erp", type=FailoverType.FORCE) for action in listed]
        closed = [refusal(request, domain, self.now()) for request in asks]
        going = domain.mode is Mode.COMPLETING or domain.phase is not None or domain.undoing is not None
        going = going or domain.way_back.returning is not None or domain.mode is Mode.REHYDRATING
        going = going or (domain.session is not None and domain.session.state is not SessionState.ACTIVE)
        assert going or None in closed, (domain.mode, closed)

    @invariant()
    def a_test_is_of_a_domain_that_is_not_here(self) -> None:
        """Nothing of a test is in the way of a real failover, which ends it first."""
        domain = self.view()
        if domain.trial is None:
            return
        if domain.mode in OURS:
            assert domain.trial.state in (TrialState.ENDING, TrialState.LEFT_OVER), domain.trial
        elif domain.mode is not Mode.COMPLETING:
            ends = Request(action="test_end", domain="erp")
            assert refusal(ends, domain, self.now()) is None, "a test can always be ended"

    def teardown(self) -> None:
        """From wherever it is, the domain can be brought back to Imported by the acts of the menu."""
        for _ in range(40):
            domain = self.view()
            if domain.mode is Mode.IMPORTED:
                return
            for action in self.way_home(domain):
                if self.ask(Request(action=action, domain="erp", confirm="erp")) is None:
                    break
            if self.view().mode is Mode.RELEASING:
                self.replicas_come()
            for _ in range(400):
                self.pass_time()
        raise AssertionError(f"no way back to Imported from {self.view().mode}: {self.view()}")

    def way_home(self, domain: Domain) -> tuple[str, ...]:
        if domain.session is not None:
            return ("pitr_exit",)
        return ("cfo_cancel", "failover_undo", "domain_failback", "failover_commit", *self.last_way())

    def last_way(self) -> tuple[str, ...]:
        """What gives a committed domain to the other side, which has to act first."""
        self.other_side(True)
        return ("domain_release",)


class AtAVCenter(Life):
    """By the record and the plans of a vSphere site."""

    met: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.world = RecordWorld()

    def now(self) -> datetime:
        return self.world.now

    def view(self) -> Domain:
        return self.world.view()

    def give(self, request: Request, ident: str) -> str | None:
        return self.world.ask(request, ident)

    def pass_time(self) -> None:
        self.world.work()

    def other_side(self, owns: bool) -> None:
        """It shuts the VMs down here before it owns them."""
        at_rest = self.world.record.mode_without_vms is Mode.RUNNING_IN_FAILOVER
        if owns and (not at_rest or self.world.record.undo is not None):
            return
        if owns:
            self.world.power("off")
        self.world.owned_there = owns

    @rule(clones=st.integers(1, 3), dies=st.booleans())
    def clones_come_late(self, clones: int, dies: bool) -> None:
        """The next clones come when nobody waits for them any more; or those that were under way do."""
        self.world.tests.late = clones if dies else 0
        self.world.tests.clones_arrive()

    @rule(which=st.integers(0, 3), works=st.booleans())
    def somebody_works_in_a_test_vm(self, which: int, works: bool) -> None:
        if works:
            self.work_in_a_test_vm(which)
        else:
            self.world.tests.in_use.clear()

    def work_in_a_test_vm(self, which: int) -> None:
        tests = self.world.tests
        own = sorted(set(tests.vms) - {COLLEAGUE})
        if own:
            tests.in_use.add(own[which % len(own)])

    @invariant()
    def every_test_vm_is_named(self) -> None:
        """In the list of its test, as left over, or as one that no list has; a colleague's stays as it is."""
        domain, tests = self.view(), self.world.tests
        assert COLLEAGUE in tests.vms
        named = {vm.id for vm in domain.strays} | (
            {vm.id for vm in domain.trial.vms} if domain.trial else set()
        )
        own = self.world.record.trial
        under_way = {
            i for i, f in tests.vms.items() if own is not None and own.key and f.marker == own.marker
        }
        lost = set(tests.vms) - named - under_way - {COLLEAGUE}
        assert not lost, f"nobody names {lost}"

    def teardown(self) -> None:
        """And of the tests nothing is left, but for what others have in the folder; no domain whose test VMs
        stand on its replicas is released."""
        tests = self.world.tests
        tests.late = 0
        tests.in_use.clear()
        tests.clones_arrive()
        for _ in range(2):
            for action in ("test_end", "test_adopt", "test_end"):
                self.ask(self.request_of(action))
                for _ in range(30):
                    self.pass_time()
            super().teardown()
        assert set(tests.vms) == {COLLEAGUE}, tests.vms
        assert self.view().trial is None and not self.view().strays

    def replicas_come(self) -> None:
        self.world.now += timedelta(seconds=5)
        if not self.world.record.owned:
            self.world.replicate()


class OnATrainingSite(Life):
    """By the simulation of a training site."""

    met: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.tool, self.at = "none", START
        self.site = self.another()
        self.kept: set[str] = set()
        """ids of test VMs that were left over or in no list, and that nobody removed since"""

    def another(self) -> SiteSimulation:
        """The site as it is at first."""
        return SiteSimulation(
            scenario(training_domain(state="imported", protected_vms="off", runbook=(), tool=self.tool))
        )

    @initialize(tool=st.sampled_from(("none", "manual")))
    def somebody_has_a_tool(self, tool: str) -> None:
        self.tool = tool
        self.site = self.another()

    def now(self) -> datetime:
        return self.at

    def view(self) -> Domain:
        return self.site.domains(self.at)[0]

    def give(self, request: Request, ident: str) -> str | None:
        command = first_command(Operation(id=ident, request=request, actor="anna", asked_at=self.at))
        return self._take(command)

    def _take(self, command: c.AnyCommand) -> str | None:
        why = self.site.refusal(command, self.at)
        assert self.site.take(command, self.at) == (why is None)
        if why is None and isinstance(command, c.EndTrial | c.BeginCompletion):
            self.kept.clear()
        return why

    def give_word(self) -> None:
        self.somebody_answers(0)

    @rule(choice=st.integers(0, 1))
    def somebody_answers(self, choice: int) -> None:
        """What is asked: about a VM, or whether the replication tool is paused, or resumed."""
        question = self.view().question
        if question is None:
            return
        answer = c.Resolve(
            operation=question.operation,
            domain="erp",
            question=question.id,
            choice=question.choices[choice % len(question.choices)],
            asked_by="anna",
        )
        assert self._take(answer) is None

    @rule(which=st.integers(0, 2), for_s=st.sampled_from((None, 60.0, 600.0)))
    def a_clone_comes_late(self, which: int, for_s: float | None) -> None:
        """The next one of a VM, after its test if that is ended before."""
        self._throw_in("late_clone", which, for_s)

    @rule(which=st.integers(0, 2), answers=st.booleans(), adopts=st.booleans())
    def somebody_ends_a_test_in_mid_clone(self, which: int, answers: bool, adopts: bool) -> None:
        self._throw_in("late_clone", which, None)
        self.ask(self.request_of("test_start"))
        if answers:
            self.somebody_answers(0)
        self.note()
        self.time_goes_by(2)
        self.ask(self.request_of("test_end"))
        self.time_goes_by(4)
        if adopts:
            self.ask(self.request_of("test_adopt"))

    @invariant()
    def no_test_vm_is_forgotten(self) -> None:
        """What is left over, or in no list, is named until End Test or a failover removes it."""
        domain = self.view()
        trial = domain.trial.vms if domain.trial is not None else ()
        named = [*(vm.id for vm in trial), *(vm.id for vm in domain.strays)]
        assert len(set(named)) == len(named), f"named twice: {named}"
        assert self.kept <= set(named), f"forgotten: {self.kept.difference(named)}"
        if domain.trial is None or domain.trial.state is not TrialState.ENDING:
            left = domain.trial.left if domain.trial is not None else ()
            self.kept |= {*(vm.id for vm in left), *(vm.id for vm in domain.strays)}

    @invariant()
    def the_tool_is_given_back(self) -> None:
        """An alarm as long as it is paused for a test; never of a domain that is here."""
        domain = self.view()
        paused = any(alarm.kind == "tool_paused" for alarm in domain.alarms)
        assert not paused or (self.tool == "manual" and domain.owner is Owner.REMOTE)
        if paused and domain.mode is not Mode.COMPLETING:
            assert domain.trial is not None, "End Test can be asked for, and asks"
        clones = [vm for vm in domain.trial.vms if not vm.left] if domain.trial is not None else []
        if self.tool == "manual" and domain.trial is not None and clones and not paused:
            over = domain.trial.state in (TrialState.LEFT_OVER, TrialState.ENDING)
            assert over, "no clone before the word"

    def teardown(self) -> None:
        """And of the tests nothing is left: no VM, no paused tool."""
        for _ in range(2):
            for what in ("test_end", "test_adopt", "test_end"):
                self.ask(self.request_of(what))
                for _ in range(40):  # the latest clone comes ten minutes after its test
                    self.pass_time()
                self.somebody_answers(0)
            super().teardown()
        domain = self.view()
        assert domain.trial is None and domain.strays == (), domain
        assert not {"tool_paused", "test_leftover"} & {alarm.kind for alarm in domain.alarms}

    def pass_time(self) -> None:
        self.at += timedelta(seconds=20)
        domain = self.view()
        f = domain.failover
        if (
            f is None
            or not domain.recovered
            or domain.mode is not Mode.COMPLETING
            or domain.session is not None
        ):
            return
        if f.run_pitr:
            self._take(c.StartSession(operation=f.id, domain="erp", session=f.id, after_failover=True))
        else:
            self._take(c.FinishFailover(operation=f.id, domain="erp"))

    def work_in_a_test_vm(self, which: int) -> None:
        """Somebody attaches a disk of another VM, once."""
        self._throw_in("foreign_disk", which, None)

    def _throw_in(self, kind: FaultKind, which: int, for_s: float | None) -> None:
        vms = self.view().vms
        fault = InjectFault(
            operation=f"hand-{next(self.numbers)}",
            domain="erp",
            fault=kind,
            vms=(vms[which % len(vms)].name,),
            for_s=for_s,
        )
        assert self.site.take(fault, self.at)

    def other_side(self, owns: bool) -> None:
        """Nothing: on a training site it owns a domain by a failback only."""

    def replicas_come(self) -> None:
        self.at += timedelta(seconds=60)

    def way_home(self, domain: Domain) -> tuple[str, ...]:
        if domain.mode is Mode.PROTECTED:
            why = refusal(Request(action="domain_failback", domain="erp"), domain, self.at)
            assert why is not None and "fails it over" in why, "a sentence says why there is no way back"
            self.site, self.excluded, self.at = self.another(), (), START
            self.kept.clear()
            return ()
        return super().way_home(domain)


RULES = settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=50,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate) if not EXAMPLES else tuple(Phase),
)
BOTH = {
    "Imported",
    "Continuous Rehydration in Progress",
    "Completing Continuous Failover",
    "PITR session active",
    "Running in Failover",
    "Undoing Failover",
    "test starting",
    "test running",
    "test ending",
    "test overdue",
    "test left over",
    "test VM in no list",
}
VCENTER, TRAINING = (
    {"Waits for replicas", "Running here, not protected"},
    {"Protected", "Failback in progress", "asked about tool", "asked about tool_on"},
)


@pytest.mark.timeout(900)
def test_at_a_vcenter() -> None:
    run_state_machine_as_test(AtAVCenter, settings=RULES)
    missing = {*BOTH, *VCENTER} - AtAVCenter.met
    assert not missing, f"never reached: {missing}"


@pytest.mark.timeout(900)
def test_on_a_training_site() -> None:
    run_state_machine_as_test(OnATrainingSite, settings=RULES)
    missing = {*BOTH, *TRAINING} - OnATrainingSite.met
    assert not missing, f"never reached: {missing}"
