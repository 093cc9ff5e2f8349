"""A client without a controller that knows of plans: two plans, and a run that a test moves on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.ipc.plan_messages import CommonInstantAnswer, OperationsAnswer
from drdeck.model.domains import Domain, FailoverType, Mode, Networks
from drdeck.model.plans.common_instant import CommonInstant, DomainAtInstant, RunPoints
from drdeck.model.plans.failover_plan import FailoverPlan, Others, Wave, plan_all, plan_of_marked
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, PlanSummary, Possible
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import (
    DomainInRun,
    InRunState,
    InstantOfRun,
    Needs,
    RunState,
    RunView,
    WaveView,
)
from tests.support.console.fake_client import NOW, FakeClient, changed, domain

PLAN = FailoverPlan(
    name="whole-site",
    title="All that stood there",
    type=FailoverType.FORCE,
    waves=(
        Wave(name="foundation", domains=("ad-*", "pki")),
        Wave(name="business", domains=("erp-*", "files")),
    ),
    others=Others.LAST,
)
WAVES = ("foundation", "business", "others")
MEMBERS = (
    ("ad-dns", 0, 4), ("pki", 0, 2), ("erp-prod", 1, 20), ("files", 1, 14), ("hr-legacy", 1, 3),
    ("sap-qa", 1, 22), ("dmz-proxy", 2, 3), ("plant-b", 2, 9), ("plm", 2, 31), ("crm", 2, 9),
    ("web-tier", 2, 8), ("mes-line1", 2, 11), ("print", 2, 4), ("intranet", 2, 5),
)  # fmt: skip
"""(name, wave, VMs)"""
OFFERED = ("DR-Core", "DR-Isolated")


def domains() -> list[Domain]:
    """The site's domains as the list shows them."""
    modes = {"hr-legacy": Mode.IMPORTED, "dmz-proxy": Mode.PROTECTED}
    return [
        domain(name, modes.get(name, Mode.SYNCHRONISED), vms=(), vms_total=vms) for name, _, vms in MEMBERS
    ]


def member(name: str, state: InRunState, **more: Any) -> DomainInRun:
    """A domain of the run, in a state."""
    wave, vms = next((wave, vms) for other, wave, vms in MEMBERS if other == name)
    fields: dict[str, Any] = {"since": NOW - timedelta(seconds=75), "operation": f"op-{name}"}
    return DomainInRun(name=name, wave=wave, vms=vms, state=state, **{**fields, **more})


def run_view(*members: DomainInRun, **more: Any) -> RunView:
    """A run in its second wave; `members` take the place of the domains of their names."""
    waits = InRunState.HELD
    usual = {name: member(name, waits, reason=f"wave {wave + 1}", since=None) for name, wave, _ in MEMBERS}
    usual["dmz-proxy"] = member(
        "dmz-proxy", InRunState.SKIPPED, reason="already here", recovered=3, settled=True
    )
    usual["hr-legacy"] = member(
        "hr-legacy", InRunState.NOT_POSSIBLE, reason='it is "Imported"', since=None, settled=True
    )
    usual |= {m.name: m for m in members}
    rows = tuple(usual.values())
    waves = tuple(
        WaveView(
            name=name,
            state="settled" if number == 0 else "running" if number == 1 else "held",
            settled=sum(m.settled for m in rows if m.wave == number),
            of=sum(m.wave == number for m in rows),
            begins="" if number < 2 else 'when wave "business" is settled: 3 running, 2 need you',
        )
        for number, name in enumerate(WAVES)
    )
    fields: dict[str, Any] = {
        "run": "run-41", "plan": "whole-site", "state": RunState.RUNNING, "type": FailoverType.FORCE,
        "run_pitr": True, "since": NOW - timedelta(minutes=41, seconds=52), "by": "ann@jump1", "number": 12,
        "waves": waves, "domains": rows, "places": {"power_on": (20, 20)},
        "finishes_at": NOW + timedelta(minutes=18), "finishes_from": "the power-ons of this run",
    }  # fmt: skip
    return RunView(**{**fields, **more})


def mid_run(**more: Any) -> RunView:
    """A run with something of everything: what the picture of a run in the handbook shows."""
    active = InRunState.PITR_SESSION
    return run_view(
        member("ad-dns", active, recovered=4, step="done", settled=True, since=NOW - timedelta(minutes=31)),
        member("pki", InRunState.RECOVERED, recovered=2, step="done", settled=True),
        member(
            "erp-prod", InRunState.QUESTION, recovered=19, step="6/8", needs=Needs.ANSWER,
            question="erp-app04 could not be powered on", choices=("retry", "skip"),
            since=NOW - timedelta(minutes=6, seconds=12),
        ),
        member("files", InRunState.UNKNOWN, recovered=12, step="4/8", needs=Needs.LOOK,
               question="it is not known whether files-srv03 was powered on", choices=("retry", "skip"),
               since=NOW - timedelta(seconds=160)),
        member("sap-qa", InRunState.RUNNING, recovered=7, step="6/8"),
        member("web-tier", InRunState.WAITS_FOR_PLACE, step="6/8", since=NOW - timedelta(seconds=31)),
        member("intranet", InRunState.LEFT_OUT, reason="by ann, 10:58Z", since=None, settled=True),
        **more,
    )  # fmt: skip


def instants(*names: str) -> RunPoints:
    """Three instants that are offered: one at which points were made for all, and two others."""

    def at(minutes: int, kind: str = "", cannot: str = "") -> CommonInstant:
        to = NOW - timedelta(minutes=minutes)
        apart = 0 if kind else 843
        rows = [
            DomainAtInstant(name=name, point=to - timedelta(seconds=apart * place / max(1, len(names) - 1)),
                            age_s=apart * place / max(1, len(names) - 1))
            for place, name in enumerate(names)
            if name != cannot
        ]  # fmt: skip
        if cannot:
            rows.append(DomainAtInstant(name=cannot, cannot="a PITR session was active then"))
        return CommonInstant(to=to, kind=kind, domains=tuple(rows))

    return RunPoints(
        run="run-41",
        domains=names,
        instants=(at(30), at(65, "group"), at(90, "", names[-1]), at(120, "good")),
        without={"badge": "it is not PITR-enabled"},
    )


class PlanningClient(FakeClient):
    """Answers about plans by `plans`; `begun`, `acts`, `rolled`, `left` hold what was asked for."""

    def __init__(self, *runs: RunView, own: list[Domain] | None = None, **listing: Any) -> None:
        self.begun: list[RunRequest] = []
        self.looked: list[RunRequest] = []
        self.acts: list[tuple[str, ...]] = []
        self.rolled: list[RunPitrRequest] = []
        self.left: list[RunExitRequest] = []
        self.alike: list[tuple[str, str]] = []
        self.running: tuple[str, ...] = ("plant-b",)
        self.changes: list[str] = []
        """refusals of decisions that are out of date, still to come"""
        self.typed_for_instant = "whole-site 3"
        self.plans = _Plans(self)
        super().__init__(*(domains() if own is None else own), runs=runs, **listing)

    def show_run(self, run: RunView) -> None:
        """News of the run."""
        self.tell(*self.domains, operations=self.operations, runs=(run,))


class _Plans:
    """The calls about plans, as the product's client has them."""

    def __init__(self, client: PlanningClient) -> None:
        self._client = client

    async def plans(self) -> tuple[PlanSummary, ...]:
        return (
            PlanSummary(plan=PLAN, domains=14, rehearsed="2026-10-30 by ben@jump2"),
            PlanSummary(plan=plan_all(), domains=14),
        )

    async def check(self, request: RunRequest) -> PlanCheck:
        self._client.looked.append(request)
        plan = (
            PLAN
            if request.plan == "whole-site"
            else plan_all()
            if request.plan
            else plan_of_marked(request.domains)
        )
        rows = tuple(
            self._look(name, wave, vms, request) for name, wave, vms in MEMBERS if self._is_in(name, request)
        )
        begin = [d for d in rows if d.possible in (Possible.YES, Possible.WARNING) and not d.left_out]
        running = tuple(d.name for d in begin if d.name in self._client.running)
        kind = request.type or plan.type or FailoverType.REGULAR
        force = kind is FailoverType.FORCE
        networks = Networks(protected=("VM_100", "VM_210"), recovery=OFFERED)
        return PlanCheck(
            plan=plan,
            at=NOW,
            type=kind,
            run_pitr=plan.run_pitr if request.run_pitr is None else request.run_pitr,
            waves=WAVES if plan is PLAN else ("1",),
            direction="from vcsa.prod.example (does not answer) to dr-west",
            domains=rows,
            number=len(begin),
            vms=sum(d.vms for d in begin),
            tier=3 if force else 2,
            type_confirm=f"{plan.name} {len(begin)}" if force else "",
            running_confirm=f"RUNNING {len(running)}" if force and running else "",
            running=running if force else (),
            networks=networks,
            unmapped=tuple(n for n in networks.protected if n not in request.networks),
            facts={"number": str(len(begin))},
            says=(f"{len(begin)} domains pass to this site.",),
            estimate_s=3480,
            estimate_from="14 power-ons of this site",
            not_checked=("whether users can reach the recovery networks",),
        )

    def _is_in(self, name: str, request: RunRequest) -> bool:
        return not request.domains or name in request.domains

    def _look(self, name: str, wave: int, vms: int, request: RunRequest) -> DomainCheck:
        left_out = name in request.without or (request.except_running and name in self._client.running)
        possible, reason, warnings = Possible.YES, "", ()
        if name == "hr-legacy":
            possible, reason = Possible.NO, 'it is "Imported"; continuous failover was never begun'
        elif name == "dmz-proxy":
            possible, reason = Possible.SKIPPED, "already here"
        elif name in self._client.running:
            possible, warnings = Possible.WARNING, ("9 of its 9 VMs run at the protected site",)  # type: ignore[assignment]
        return DomainCheck(
            name=name,
            wave=wave,
            possible=possible,
            reason=reason,
            warnings=warnings,
            vms=vms,
            left_out=left_out,
        )

    async def begin(self, request: RunRequest) -> str:
        if self._client.changes:
            raise ControllerError("stale", self._client.changes.pop(0))
        self._client.begun.append(request)
        self._client.show_run(mid_run())
        return "run-41"

    async def change(
        self, run: str, change: str, domain: str | None = None, confirm: str | None = None
    ) -> None:
        self._client.acts.append(tuple(word for word in (run, change, domain, confirm) if word is not None))

    async def answer_all(self, run: str, kind: str, choice: str) -> OperationsAnswer:
        self._client.alike.append((kind, choice))
        return OperationsAnswer(id=1, operations={})

    async def points(self, run: str) -> RunPoints:
        return instants("ad-dns", "erp-prod", "files")

    async def instant(self, request: RunPitrRequest) -> CommonInstantAnswer:
        offered = (await self.points(request.run)).instants
        instant = next((i for i in offered if i.to == request.to), offered[0])
        if request.domains:
            instant = changed(instant, domains=tuple(d for d in instant.domains if d.name in request.domains))
        return CommonInstantAnswer(
            id=1,
            instant=changed(instant, to=request.to),
            confirm=self._client.typed_for_instant,
            says=tuple(instant.says()),
        )

    async def roll_back(self, request: RunPitrRequest) -> OperationsAnswer:
        self._client.rolled.append(request)
        return OperationsAnswer(id=1, operations={}, refused={})

    async def leave_sessions(self, request: RunExitRequest) -> OperationsAnswer:
        self._client.left.append(request)
        return OperationsAnswer(id=1, operations={}, refused={})


def rolled_back(run: RunView, *names: str) -> RunView:
    """The run once its sessions were rolled back."""
    ended: RunView = changed(
        run,
        pitr=InstantOfRun(
            to=NOW - timedelta(hours=2), asked_at=NOW, spread_s=843.0, domains=names, cannot=("plm",)
        ),
        state=RunState.DONE_WITH_EXCEPTIONS,
        ended_at=NOW,
    )
    return ended
