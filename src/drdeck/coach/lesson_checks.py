"""Checks of lessons whose keys and types are right: above all, of what can never be met."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta

from drdeck.config.toml_places import Place
from drdeck.model.domains import FailoverType, Mode
from drdeck.model.plans.failover_plan import OTHERS
from drdeck.model.text import brief, quoted, some
from drdeck.model.times import parse_duration, show
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioDomain

from . import lesson as spec
from .scenario_truth import ground_of

Problem = tuple[Place, str]
"""where, and what with its remedy"""

MOST_TABLES = 50
"""Objectives of a lesson, and mistakes that it looks out for."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NOT_BEFORE = {
    "imported": (Mode.PROTECTED, Mode.IMPORTED),
    "synchronised": (Mode.PROTECTED, Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED),
    "protected": (Mode.PROTECTED,),
}
"""state of a domain in its scenario -> modes that are there, or past, before anything is done"""
_ASKS = {"shutdown_fails": ("retry", "abort"), "power_on_fails": ("retry", "skip")}


def problem(lesson: spec.Lesson, scenario: Scenario) -> Problem | None:
    """The first thing that is wrong, or None."""
    return next(_problems(lesson, scenario), None)


def _problems(lesson: spec.Lesson, scenario: Scenario) -> Iterator[Problem]:
    if not _NAME.fullmatch(lesson.name):
        yield ("name",), f"{quoted(lesson.name)} cannot name a lesson; use small letters, digits and dashes"
    if lesson.name.isdigit():
        yield ("name",), "would be taken for a lesson's number; add a letter"
    if lesson.number < 0:
        yield ("number",), f"{lesson.number} is negative; write 1 or more, or leave it out"
    if not 0 <= lesson.minutes <= 1000:
        yield ("minutes",), f"{lesson.minutes} is not possible; write how long it takes, from 0 to 1000"
    if not math.isfinite(lesson.speed) or not 0 < lesson.speed <= 100_000:
        yield ("speed",), f"{lesson.speed:g} is not possible; write a number above 0, at most 100000"
    yield from _room(("title",), lesson.title, spec.MOST_TITLE)
    yield from _room(("situation",), lesson.situation, spec.MOST_SITUATION)
    if lesson.end:
        yield from _room(("end",), lesson.end, spec.MOST_SITUATION)
    if not lesson.objectives:
        yield ("objectives",), "a lesson needs an objective; add an [[objectives]] table"
    for key, tables in (("objectives", lesson.objectives), ("mistakes", lesson.mistakes)):
        if len(tables) > MOST_TABLES:
            yield (key,), f"there are {len(tables)} of them; leave at most {MOST_TABLES}"
    ids: set[str] = set()
    for number, objective in enumerate(lesson.objectives):
        at: Place = ("objectives", number)
        if objective.id in ids:
            twice = f'the objective "{brief(objective.id)}" stands here twice'
            yield (*at, "id"), f"{twice}; give each its own id"
        ids.add(objective.id)
        if not _NAME.fullmatch(objective.id):
            yield (*at, "id"), f"{quoted(objective.id)} cannot be an id; use small letters, digits and dashes"
        yield from _room((*at, "text"), objective.text, spec.MOST_TEXT)
        yield from _room((*at, "hint"), objective.hint, spec.MOST_HELP)
        yield from _room((*at, "key"), objective.key, spec.MOST_HELP)
        yield from _condition((*at, "when"), objective.when, scenario)
    for number, mistake in enumerate(lesson.mistakes):
        yield from _mistake(("mistakes", number), mistake, scenario)
    if lesson.drop is not None:
        yield from _room(("drop", "says"), lesson.drop.says, spec.MOST_HELP)
        yield from _condition(("drop", "when"), lesson.drop.when, scenario)


def _room(at: Place, text: str, most: int) -> Iterator[Problem]:
    if not text.strip():
        yield at, "is empty; write a sentence"
    length = len(" ".join(text.split()))
    if length > most:
        yield at, f"has {length} characters, and the panel has room for {most}; say it shorter"


def _domain(at: Place, name: str, scenario: Scenario) -> ScenarioDomain | Problem:
    domain = next((d for d in scenario.domains if d.name == name), None)
    if domain is not None:
        return domain
    names = ", ".join(d.name for d in scenario.domains[:8])
    return (*at, "domain"), f'the scenario "{scenario.name}" has no domain "{brief(name)}"; it has {names}'


def _never(at: Place, why: str, remedy: str) -> Problem:
    return at, f"can never be met: {why}; {remedy}"


def _mistake(at: Place, mistake: spec.AnyMistake, scenario: Scenario) -> Iterator[Problem]:
    domain = _domain(at, mistake.domain, scenario)
    if not isinstance(domain, ScenarioDomain):
        yield domain
        return
    yield from _room((*at, "why"), mistake.why, spec.MOST_HELP)
    for key in ("longer", "allow"):
        text = getattr(mistake, key, None)
        if text is not None:
            try:
                parse_duration(text)
            except ValueError as error:
                yield (*at, key), str(error)


def _run_condition(at: Place, when: spec.RunCondition, scenario: Scenario) -> Iterator[Problem]:
    plan = next((p for p in scenario.plans if p.name == when.plan), None)
    if when.domain:
        yield (*at, "domain"), "has no meaning for a run; leave it out"
    if plan is None:
        names = some([p.name for p in scenario.plans], most=8) or "none"
        yield (
            (*at, "plan"),
            f'the scenario "{scenario.name}" has no plan "{brief(when.plan)}"; it has {names}',
        )
        return
    waves = [*(wave.name for wave in plan.waves), *([OTHERS] if plan.others == "last" else [])]
    if isinstance(when, spec.WaveRecovered) and when.wave not in waves:
        yield (*at, "wave"), f'the plan has no wave "{brief(when.wave)}"; it has {some(waves, most=8)}'
    if isinstance(when, spec.OneInstant) and when.spread:
        try:
            parse_duration(when.spread)
        except ValueError as error:
            yield (*at, "spread"), str(error)


def _condition(at: Place, when: spec.When, scenario: Scenario) -> Iterator[Problem]:
    if isinstance(when, spec.RunCondition):
        yield from _run_condition(at, when, scenario)
        return
    domain = _domain(at, when.domain, scenario)
    if not isinstance(domain, ScenarioDomain):
        yield domain
        return
    needs_pitr = isinstance(
        when, spec.SessionStarted | spec.RolledBack | spec.SessionExited | spec.PitrReset
    ) or (isinstance(when, spec.OperationAsked) and (when.action.startswith("pitr") or when.run_pitr))
    if needs_pitr and not domain.pitr.enabled:
        yield _never(at, f'"{domain.name}" is not PITR-enabled', "enable pitr in the scenario")
    match when:
        case spec.ModeReached():
            yield from _mode(at, when, domain)
        case spec.OperationAsked():
            yield from _operation(at, when, domain, scenario)
        case spec.RolledBack():
            yield from _rolled_back(at, when, domain, scenario)
        case spec.TrialRuns() | spec.Tested():
            bound = when.at_or_before
            if bound is not None and bound.tzinfo is None:
                yield (*at, "at_or_before"), f"{bound.isoformat()} has no time zone; end it with Z"
            if domain.state == "protected":
                yield _never(at, f'"{domain.name}" runs here already and cannot be tested', _OTHER)
        case spec.VmReady() | spec.Answered():
            yield from _vm(at, when, domain, scenario)
        case spec.PitrReset() | spec.AttachedAgain():
            if domain.state == "protected":
                yield _never(at, f'"{domain.name}" runs here already and cannot be failed over', _OTHER)


_AFTER_FAILOVER = ("cfo_complete", "cfo_cancel", "failover_undo", "failover_commit")
_OTHER = "choose a domain that is imported or synchronised"


def _mode(at: Place, when: spec.ModeReached, domain: ScenarioDomain) -> Iterator[Problem]:
    if when.mode in _NOT_BEFORE[domain.state]:
        yield (
            (*at, "mode"),
            f'is met before anything is done, since "{domain.name}" is {domain.state}; choose a later mode',
        )
    elif domain.state == "protected" and when.mode is not Mode.PITR_SESSION:
        yield _never((*at, "mode"), f'"{domain.name}" runs here already', _OTHER)
    elif when.mode is Mode.PITR_SESSION and not domain.pitr.enabled:
        yield _never((*at, "mode"), f'"{domain.name}" is not PITR-enabled', "enable pitr in the scenario")


def _operation(
    at: Place, when: spec.OperationAsked, domain: ScenarioDomain, scenario: Scenario
) -> Iterator[Problem]:
    name = domain.name
    if when.action != "cfo_complete" and (when.type is not None or when.run_pitr is not None):
        yield at, "type and run_pitr belong to cfo_complete only; leave them out"
    if when.action == "cfo_start" and domain.state != "imported":
        yield _never((*at, "action"), f'"{name}" is {domain.state} from the start', "leave the objective out")
    if when.action in _AFTER_FAILOVER and domain.state == "protected":
        yield _never((*at, "action"), f'"{name}" runs here already', _OTHER)
    lost_at = domain.lost_at or scenario.start if domain.protected_site == "lost" else None
    if when.type is FailoverType.PLANNED and lost_at is not None and lost_at <= scenario.first_instant:
        yield _never((*at, "type"), f'the protected site of "{name}" is lost', "use force")
    if when.type is FailoverType.REGULAR and domain.protected_site == "reachable":
        if domain.protected_vms == "on":
            yield _never((*at, "type"), f'the VMs of "{name}" run at the protected site', "use planned")
    elif when.type is FailoverType.REGULAR:
        yield _never((*at, "type"), f'the protected site of "{name}" is lost', "use force")


def _rolled_back(
    at: Place, when: spec.RolledBack, domain: ScenarioDomain, scenario: Scenario
) -> Iterator[Problem]:
    early, late = when.at_or_after, when.at_or_before
    for key, bound in (("at_or_after", early), ("at_or_before", late)):
        if bound is not None and bound.tzinfo is None:
            yield (*at, key), f"{bound.isoformat()} has no time zone; end it with Z"
            return
    if early is not None and late is not None and early > late:
        yield _never((*at, "at_or_after"), f"it is after at_or_before, {show(late)}", "turn them round")
    if not domain.pitr.enabled:
        return
    oldest = scenario.first_instant - timedelta(seconds=parse_duration(domain.pitr.window))
    if late is not None and late < oldest:
        remedy = f"write {show(oldest)} or later"
        yield _never((*at, "at_or_before"), "it is before the PITR window begins", remedy)
    ground = ground_of(scenario)[domain.name]
    good = ground.last_good(())
    if when.healthy and good is not None and good < oldest:
        why = f"the last good point, {show(good)}, is before the PITR window begins"
        yield _never(
            (*at, "healthy"), why, f"make the window longer, or the incident later than {show(oldest)}"
        )
    if when.healthy and early is not None and good is not None and early > min(ground.bad_after.values()):
        bad = min(ground.bad_after, key=lambda vm: ground.bad_after[vm])
        why = f'the data of "{bad}" is bad after {show(ground.bad_after[bad])}'
        yield _never((*at, "at_or_after"), why, f"write {show(good)} or earlier")


def _vm(
    at: Place, when: spec.VmReady | spec.Answered, domain: ScenarioDomain, scenario: Scenario
) -> Iterator[Problem]:
    names = [vm.name for vm in domain.vms]
    if when.vm is not None and when.vm not in names:
        first = ", ".join(names[:8])
        yield (*at, "vm"), f'there is no VM "{brief(when.vm)}" in "{domain.name}"; known are {first}'
        return
    choice = when.choice if isinstance(when, spec.Answered) else "retry" if when.after_retry else None
    if choice is None:
        return
    faults = [f for f in scenario.faults if f.domain in ("", domain.name) and f.kind in _ASKS]
    faults = [f for f in faults if when.vm is None or not f.vms or when.vm in f.vms]
    if not any(choice in _ASKS[f.kind] for f in faults):
        whom = f'"{when.vm}"' if when.vm else f'"{domain.name}"'
        key = "choice" if isinstance(when, spec.Answered) else "after_retry"
        remedy = "add a fault shutdown_fails or power_on_fails to the scenario"
        yield _never((*at, key), f"nothing about {whom} asks what could be answered with {choice}", remedy)
