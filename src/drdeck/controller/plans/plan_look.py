"""The look before a run: every domain of a plan is held against the rules that its own failover has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from drdeck.controller.asking import requests
from drdeck.controller.asking.network_choice import network_mapping, network_slip
from drdeck.controller.asking.protected_evidence import type_closed
from drdeck.controller.journal.operations import Operation
from drdeck.controller.journal.runs import RunRecord
from drdeck.model.actions.action_table import refusal
from drdeck.model.actions.confirming import NotAccepted
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, Networks, Owner, ProtectedSite
from drdeck.model.plans.failover_plan import FailoverPlan, WaveMembers, outside, problems
from drdeck.model.plans.frozen_plan import FrozenDomain, FrozenPlan, FrozenWave
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, Possible
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.text import some

NOT_CHECKED = (
    "free memory and room in the datastores (`drdeck doctor` shows them)",
    "whether users can reach the recovery network",
)
_HERE = (Mode.RUNNING_IN_FAILOVER, Mode.PITR_SESSION, Mode.PROTECTED)


def kind_of(request: RunRequest, plan: FailoverPlan, protected: Iterable[ProtectedSite]) -> FailoverType:
    """The type asked for, else the plan's, else Force where no more protected sites answer than do not, and
    Regular where most do."""
    if request.type is not None:
        return request.type
    if plan.type is not None:
        return plan.type
    answers = [site.state == "reachable" for site in protected]
    return FailoverType.REGULAR if 2 * sum(answers) > len(answers) else FailoverType.FORCE


def domain_check(
    domain: Domain,
    wave: int,
    request: Request,
    protected: ProtectedSite,
    now: datetime,
    operations: Iterable[Operation],
    runs: Iterable[RunRecord],
    lacking: str | None,
) -> DomainCheck:
    """One domain as things are now. `lacking`: privileges that its failover lacks."""
    shape = DomainCheck(
        name=domain.name,
        wave=wave,
        possible=Possible.YES,
        vms=domain.vms_total,
        synchronised=domain.mode is Mode.SYNCHRONISED,
        protected=protected.state,
        comes_from=protected.address or domain.owner_address,
        running=protected.running,
        testable=domain.trial_offer is not None,
        tested=domain.tested,
    )
    if domain.owner is Owner.LOCAL and domain.mode in _HERE:
        return _replace(shape, possible=Possible.SKIPPED, reason="it is here already")
    closed = _in_use(domain, runs) or refusal(request, domain, now) or requests.conflict(request, operations)
    closed = closed or network_slip(request.networks, domain)
    closed = closed or type_closed(request, protected) or lacking
    try:
        networks = requests.with_networks(request, domain).networks
        shape = _replace(shape, networks=networks)
    except NotAccepted as error:
        mapping = network_mapping(request.networks, domain.networks)
        unmapped = tuple(n for n in domain.networks.protected if n not in mapping)
        shape = _replace(shape, unmapped=unmapped)
        closed = closed or str(error)
    if closed is not None:
        return _replace(shape, possible=Possible.NO, reason=closed)
    warnings = tuple(_warnings(domain, request, protected))
    if warnings:
        return _replace(shape, possible=Possible.WARNING, reason=warnings[0], warnings=warnings)
    return shape


def _replace(check: DomainCheck, **changes: object) -> DomainCheck:
    return msgspec.structs.replace(check, **changes)


def _in_use(domain: Domain, runs: Iterable[RunRecord]) -> str | None:
    for run in runs:
        if run.ended or domain.name in run.left_out:
            continue
        if any(d.name == domain.name and d.begins for d in run.frozen.domains):
            return in_use(run)
    return None


def in_use(run: RunRecord) -> str:
    """Words for a domain that belongs to a run."""
    driven = f", driven by {run.handed_to}" if run.handed_to else ""
    return f"in use by {run.id} ({run.frozen.plan}) of {run.actor}{driven}"


def _warnings(domain: Domain, request: Request, protected: ProtectedSite) -> Iterable[str]:
    if request.type is FailoverType.FORCE and protected.state == "reachable":
        if protected.running:
            total = "" if protected.total is None else f" of {protected.total}"
            yield f"{protected.running}{total} protected VMs run: they stay up, and both copies run at once"
        else:
            yield "the protected site answers"
    for alarm in domain.alarms:
        if alarm.severity == "critical" and alarm.kind != "protected_site_lost":
            yield alarm.text
    uncovered = sum(bool(vm.not_covered) for vm in domain.vms)
    if request.run_pitr and uncovered:
        yield f"{uncovered} VMs have devices that a rollback leaves as they are"


def begins_pitr(run_pitr: bool, domain: Domain) -> bool:
    """Run PITR is for PITR-enabled domains only; the others of the run recover without."""
    return run_pitr and domain.pitr.enabled


def of_waves(waves: Sequence[WaveMembers], checks: Mapping[str, DomainCheck]) -> tuple[DomainCheck, ...]:
    """Checks by wave, those that are synchronised first, then as the site has them."""
    ordered: list[DomainCheck] = []
    for wave in waves:
        own = [checks[name] for name in wave.domains if name in checks]
        ordered += sorted(own, key=lambda check: not check.synchronised)
    return tuple(ordered)


def summed(
    plan: FailoverPlan,
    waves: Sequence[WaveMembers],
    checks: tuple[DomainCheck, ...],
    kind: FailoverType,
    run_pitr: bool,
    at: datetime,
    domains: Mapping[str, Domain],
) -> PlanCheck:
    """The check of a plan: sums, what must be typed, and the facts that a person sees."""
    going = [c for c in checks if not c.left_out and c.possible in (Possible.YES, Possible.WARNING)]
    force = kind is FailoverType.FORCE
    running = tuple(c.name for c in going if force and c.running)
    numbers = len(going)
    return PlanCheck(
        plan=plan,
        at=at,
        type=kind,
        run_pitr=run_pitr,
        waves=tuple(wave.name for wave in waves),
        domains=checks,
        problems=(*problems(plan, domains), *_others(plan, domains)),
        refusal="" if going else _nothing(plan, checks),
        number=numbers,
        vms=sum(c.vms for c in going),
        tier=3 if force else 2,
        type_confirm=f"{plan.name} {numbers}" if force else "",
        running_confirm=f"RUNNING {len(running)}" if running else "",
        running=running,
        networks=_networks([domains[c.name] for c in going if c.name in domains]),
        unmapped=tuple(dict.fromkeys(n for c in checks for n in c.unmapped)),
        facts=_facts(checks, going, running),
        says=tuple(_says(checks, going, kind, run_pitr, domains)),
        not_checked=NOT_CHECKED,
    )


_ANSWERS = {"reachable": "answers", "lost": "does not answer"}


def direction(check: PlanCheck, to: str) -> str:
    """From which protected sites, with whether they answer, the domains that would begin go to a site."""
    going = (*check.of(Possible.YES), *check.of(Possible.WARNING))
    sites = {(d.comes_from or "an unknown site", _ANSWERS.get(d.protected, "not asked")) for d in going}
    return (
        f"from {some([f'{site} ({answer})' for site, answer in sorted(sites)], 3)} to {to}" if sites else ""
    )


def _others(plan: FailoverPlan, domains: Mapping[str, Domain]) -> list[str]:
    others = outside(plan, domains)
    if not others:
        return []
    return [f'plan "{plan.name}" leaves out {len(others)} that no wave names: {some(others, 5)}']


def _nothing(plan: FailoverPlan, checks: Sequence[DomainCheck]) -> str:
    alike: dict[str, list[str]] = {}
    for check in checks:
        if check.reason and not check.left_out:
            alike.setdefault(check.reason_of_any, []).append(check.reason)
    reasons = [f"{its[0]} (and {len(its) - 1} more)" if its[1:] else its[0] for its in alike.values()]
    why = some(reasons, between="; ")
    return f'no domain of "{plan.name}" can begin now' + (f": {why}" if why else "")


def _networks(domains: Sequence[Domain]) -> Networks:
    offered = [set(d.networks.recovery) for d in domains if d.networks.recovery]
    everywhere = set.intersection(*offered) if offered else set[str]()
    recovery = dict.fromkeys(n for d in domains for n in d.networks.recovery if n in everywhere)
    mapping: dict[str, str] = {}
    for d in domains:
        mapping = {**d.networks.mapping, **mapping}
    protected = dict.fromkeys(n for d in domains for n in d.networks.protected)
    places = {network: place for d in domains for network, place in d.networks.places.items()}
    return Networks(protected=tuple(protected), recovery=tuple(recovery), mapping=mapping, places=places)


def _facts(
    checks: Sequence[DomainCheck], going: Sequence[DomainCheck], running: Sequence[str]
) -> dict[str, str]:
    """The fingerprint: names as sets, so that who came and who went can be said."""
    states = sorted({c.protected for c in going})
    impossible = [c.name for c in checks if c.possible is Possible.NO and not c.left_out]
    return {
        "domains": ", ".join(f"{c.name} ({c.vms} VMs)" for c in sorted(going, key=lambda c: c.name)),
        "not possible": ", ".join(sorted(impossible)),
        "protected VMs run": ", ".join(sorted(running)),
        "protected site": ", ".join(states),
    }


def _says(
    checks: Sequence[DomainCheck],
    going: Sequence[DomainCheck],
    kind: FailoverType,
    run_pitr: bool,
    domains: Mapping[str, Domain],
) -> Iterable[str]:
    vms = sum(c.vms for c in going)
    yield f"{len(going)} domains with {vms} VMs begin, by waves; this site takes them over."
    if kind is FailoverType.FORCE:
        yield "Force Failover takes the ownership without asking the protected site."
    if kind is FailoverType.PLANNED:
        yield f"The {vms} protected VMs are shut down first."
    if run_pitr:
        without = [c.name for c in going if not domains[c.name].pitr.enabled]
        yield "A PITR session starts in each once its VMs are recovered; protection is suspended meanwhile."
        if without:
            yield f"Not PITR-enabled, so without a session: {some(without, 5)}."
    impossible = [c for c in checks if c.possible is Possible.NO and not c.left_out]
    untested = [c.name for c in going if c.testable and c.tested is None]
    if untested:
        yield f"Never tested: {some(untested, 5)}."
    if impossible:
        yield f"Left alone, as they cannot begin: {some([c.name for c in impossible], 10)}."


def with_room(check: PlanCheck, room: RoomForAll | None) -> PlanCheck:
    """The check with memory and room for all that would begin, where the site looked at that."""
    if room is None:
        return check
    warns = tuple(hazard.text for hazard in room.hazards.warns)
    unchecked = (*room.hazards.not_checked, *NOT_CHECKED[1:])
    return msgspec.structs.replace(check, room=(*room.sums, *warns), not_checked=unchecked)


def frozen_plan(check: PlanCheck, waves: Sequence[WaveMembers], by: str) -> FrozenPlan:
    """The part of a plan that a run keeps, as it was decided."""
    plan = check.plan
    return FrozenPlan(
        plan=plan.name,
        title=plan.title,
        type=check.type,
        run_pitr=check.run_pitr,
        waves=tuple(FrozenWave(name=wave.name, gate=wave.gate) for wave in waves),
        domains=tuple(_frozen(c, by) for c in check.domains),
        domains_at_once=plan.domains_at_once,
        patience_s=plan.patience_s,
        on_failure=plan.on_failure,
        facts=check.facts,
    )


def _frozen(check: DomainCheck, by: str) -> FrozenDomain:
    return FrozenDomain(
        name=check.name,
        wave=check.wave,
        vms=check.vms,
        networks=check.networks,
        synchronised=check.synchronised,
        impossible=check.reason if check.possible is Possible.NO and not check.left_out else "",
        skipped=check.reason if check.possible is Possible.SKIPPED and not check.left_out else "",
        left_out=f"by {by}, when it was decided" if check.left_out else "",
        answered=check.protected == "reachable",
        running=check.running or 0,
    )
