"""Plans by name, and the look at all domains of one; nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from drdeck.controller.asking.protected_evidence import EVIDENCE
from drdeck.controller.first_command import first_command
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.runs import newest_first
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Finding
from drdeck.model.domains import Domain, FailoverType, ProtectedSite
from drdeck.model.guard import Hazards
from drdeck.model.plans.failover_plan import (
    ALL,
    FailoverPlan,
    WaveMembers,
    members,
    narrowed,
    plan_all,
    plan_of_marked,
    problems,
    unmatched,
)
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, PlanSummary, Possible
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.text import some
from drdeck.model.times import show_spaced
from drdeck.model.views import SiteView
from drdeck.sites.contract import LooksAtRoom, OffersPlans, SiteError

from .plan_look import begins_pitr, direction, domain_check, kind_of, of_waves, summed, with_room
from .run_estimate import estimate_s, took_before
from .run_keeper import RunKeeper


class PlanInquiry:
    """Questions about plans: what they are, and whether they can be begun.

    `plans_of`: the plans of the settings as they are now; may raise ValueError with a sentence.
    """

    def __init__(
        self, keeper: RunKeeper, view: Callable[[], SiteView | None], check_in_sight: Callable[[], None]
    ) -> None:
        self.keeper, self.site = keeper, keeper.site
        self.recorder, self.watcher = keeper.recorder, keeper.watcher
        self.plans_of: Callable[[], Mapping[str, FailoverPlan]] = dict
        self._view, self.check_in_sight = view, check_in_sight

    # -- plans

    def plans(self) -> dict[str, FailoverPlan]:
        """All plans by name: of the settings, of the site, and "all". Raises NotAccepted."""
        try:
            own = dict(self.plans_of())
        except ValueError as error:
            raise NotAccepted("usage", str(error)) from None
        offered = dict(self.site.plans) if isinstance(self.site, OffersPlans) else {}
        everything = plan_all()
        return {**offered, **own, everything.name: everything}

    def plan(self, name: str) -> FailoverPlan:
        """Raises NotAccepted for a name that no plan has."""
        plans = self.plans()
        if name not in plans:
            raise NotAccepted("rule", f'there is no plan "{name}"; there are {", ".join(sorted(plans))}')
        return plans[name]

    def summaries(self) -> tuple[PlanSummary, ...]:
        """Raises NotAccepted."""
        names = list(self.domains())
        return tuple(
            PlanSummary(
                plan=plan,
                domains=sum(len(wave.domains) for wave in members(plan, names)),
                problems=tuple(problems(plan, names)) if self._view() is not None else (),
                rehearsed=self._rehearsed(plan.name),
            )
            for plan in self.plans().values()
        )

    def findings(self) -> list[Finding]:
        """Findings of a doctor about the plans; none before the site was seen."""
        if self._view() is None:
            return []
        try:
            summaries = self.summaries()
        except NotAccepted as refused:
            return [Finding.fail("plans", str(refused))]
        findings = []
        for summary in summaries:
            plan, count = summary.plan, len(summary.plan.waves)
            text = f"{summary.domains} domains in {count} wave{'s' if count > 1 else ''}"
            if summary.problems:
                remedy = f"mend the waves of plan {plan.name}; a run of it goes without them"
                findings.append(Finding.fail(f"plan {plan.name}", "; ".join(summary.problems), remedy))
            elif plan.name != ALL:
                findings.append(Finding.ok(f"plan {plan.name}", text))
        return findings

    def _rehearsed(self, name: str) -> str:
        ended = [r for r in self.recorder.runs.values() if r.frozen.plan == name and r.ended_at is not None]
        if not ended:
            return ""
        last = newest_first(ended)[0]
        assert last.ended_at is not None
        return f"{show_spaced(last.ended_at)} by {last.actor} ({last.id}, {last.end_state})"

    def domains(self) -> dict[str, Domain]:
        view = self._view()
        return {} if view is None else {domain.name: domain for domain in view.domains}

    # -- the look

    async def check(self, request: RunRequest) -> PlanCheck:
        """One look at all domains of a plan. Raises NotAccepted."""
        return (await self.look(request))[0]

    async def look(self, request: RunRequest) -> tuple[PlanCheck, list[WaveMembers]]:
        self.check_in_sight()
        domains = self.domains()
        if request.domains:
            unknown = [name for name in request.domains if name not in domains]
            if unknown:
                raise NotAccepted("usage", f"there is no Protected Domain {some([repr(n) for n in unknown])}")
            plan = plan_of_marked(request.domains)
        else:
            plan = self.plan(request.plan)
        waves = members(plan, domains)
        names = [name for wave in waves for name in wave.domains]
        idle = unmatched((*request.only, *request.without), names)
        if idle is not None:
            raise NotAccepted("usage", idle)
        self._check_networks(request, [domains[name] for name in names])
        protected = dict(zip(names, await asyncio.gather(*map(self._protected, names)), strict=True))
        kind = kind_of(request, plan, protected.values())
        run_pitr = plan.run_pitr if request.run_pitr is None else request.run_pitr
        inside = {n for wave in narrowed(waves, request.only, request.without) for n in wave.domains}
        looks = await asyncio.gather(
            *(
                self._check_one(domains[n], w, kind, run_pitr, request, protected[n])
                for w, wave in enumerate(waves)
                for n in wave.domains
            )
        )
        checks: dict[str, DomainCheck] = {}
        for look in looks:
            left_out = look.name not in inside or bool(request.except_running and look.running)
            checks[look.name] = msgspec.structs.replace(look, left_out=left_out)
        check = summed(plan, waves, of_waves(waves, checks), kind, run_pitr, self.watcher.now(), domains)
        check = msgspec.structs.replace(self._estimated(check), direction=direction(check, self.site.name))
        rehearsed = self._rehearsed(plan.name)
        says = check.says if rehearsed else (*check.says, "This plan was never run here before.")
        check = with_room(check, await self._room(check))
        return msgspec.structs.replace(check, rehearsed=rehearsed, says=(*says, *check.room)), list(waves)

    def _estimated(self, check: PlanCheck) -> PlanCheck:
        possible = Possible.YES, Possible.WARNING
        going = [d for d in check.domains if d.possible in possible and not d.left_out]
        took = took_before(self.domains().values(), self.recorder.operations.values())
        return msgspec.structs.replace(
            check,
            estimate_s=estimate_s(going, len(check.waves), check.plan.domains_at_once, took),
            estimate_from=f"what the last failovers of {len(took)} domains took here" if took else "",
        )

    async def _room(self, check: PlanCheck) -> RoomForAll | None:
        """Memory and room for all that would begin; None where the site does not tell."""
        going = [d.name for d in (*check.of(Possible.YES), *check.of(Possible.WARNING))]
        if not going or not isinstance(self.site, LooksAtRoom):
            return None
        try:
            return await self.site.room(going)
        except SiteError as error:
            return RoomForAll(hazards=Hazards(not_checked=(f"memory and room in the datastores: {error}",)))

    async def _protected(self, name: str) -> ProtectedSite:
        try:
            return await self.site.protected_site(name)
        except SiteError as error:
            return ProtectedSite(state="unknown", detail=str(error))

    def _check_networks(self, request: RunRequest, domains: list[Domain]) -> None:
        """A network that no domain of the plan is on is a slip of the pen. Raises NotAccepted."""
        sources = {n for d in domains for n in d.networks.protected}
        for source in request.networks:
            if sources and source != "*" and source not in sources:
                there = some(sorted(sources), 8)
                text = f'no VM of these domains is on a network "{source}"; they are on {there}'
                raise NotAccepted("usage", text)

    async def _check_one(
        self,
        domain: Domain,
        wave: int,
        kind: FailoverType,
        run_pitr: bool,
        whole: RunRequest,
        protected: ProtectedSite,
    ) -> DomainCheck:
        request = Request(
            action="cfo_complete",
            domain=domain.name,
            type=kind,
            run_pitr=begins_pitr(run_pitr, domain),
            networks=_of_domain(whole.networks, domain),
            confirm=domain.name,
            even_though=EVIDENCE,
        )
        return domain_check(
            domain,
            wave,
            request,
            protected,
            self.watcher.now(),
            self.recorder.open_operations(),
            self.keeper.runs(),
            await self._lacking(request),
        )

    async def _lacking(self, request: Request) -> str | None:
        operation = Operation(id="check", request=request, actor="", asked_at=self.watcher.now())
        try:
            return await self.site.lacking(first_command(operation))
        except SiteError as error:
            return str(error)


def _of_domain(networks: Mapping[str, str], domain: Domain) -> dict[str, str]:
    """The mapping of the whole run, as far as this domain is on it."""
    return {a: b for a, b in networks.items() if a == "*" or a in domain.networks.protected}
