"""Plans of a scenario: checked (names, patterns, domains in two waves), and as the controller has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drdeck.config.toml_places import Place
from drdeck.model.domains import FailoverType
from drdeck.model.plans.failover_plan import FailoverPlan, Gate, OnFailure, Others, Wave
from drdeck.model.text import brief, fits, some
from drdeck.model.times import parse_duration

from .scenario_tables import Scenario, ScenarioPlan

RESERVED = ("all", "marked")
"""Names of plans that are there without being written."""
MOST_PLANS = 100
MOST_AT_ONCE = 1_000


def problems(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """(where, what and remedy) of the plans."""
    names = [domain.name for domain in scenario.domains]
    if len(scenario.plans) > MOST_PLANS:
        yield ("plans",), f"there are {len(scenario.plans)} of them; leave at most {MOST_PLANS}"
    earlier: set[str] = set()
    for number, plan in enumerate(scenario.plans):
        at: Place = ("plans", number)
        if not plan.name.strip() or plan.name in RESERVED or len(plan.name) > 80:
            yield (*at, "name"), f'"{brief(plan.name)}" cannot name a plan; write another name'
        if plan.name in earlier:
            yield (*at, "name"), f'the plan "{brief(plan.name)}" stands here twice; give each its own name'
        earlier.add(plan.name)
        yield from _plan(at, plan, names)


def _plan(at: Place, plan: ScenarioPlan, names: Sequence[str]) -> Iterator[tuple[Place, str]]:
    try:
        if parse_duration(plan.patience) < 1:
            yield (*at, "patience"), "is too short; write 1s or more"
    except ValueError as error:
        yield (*at, "patience"), str(error)
    if not 1 <= plan.domains_at_once <= MOST_AT_ONCE:
        yield (*at, "domains_at_once"), f"{plan.domains_at_once} cannot be; write 1 to {MOST_AT_ONCE}"
    if not plan.waves:
        yield (*at, "waves"), "a plan needs a wave; add a [[plans.waves]] table"
    taken: dict[str, str] = {}
    for number, wave in enumerate(plan.waves):
        place: Place = (*at, "waves", number)
        for pattern in wave.domains:
            members = [name for name in names if fits(name, pattern)]
            if not members:
                yield (
                    (*place, "domains"),
                    f'no domain is named "{brief(pattern)}"; known are {some(names, most=8)}',
                )
            for name in members:
                other = taken.setdefault(name, wave.name)
                if other != wave.name:
                    yield (
                        (*place, "domains"),
                        f'"{brief(name)}" is in the wave "{other}" already; leave it in one',
                    )


def failover_plan(plan: ScenarioPlan) -> FailoverPlan:
    """A plan of a scenario, whose checks have passed."""
    return FailoverPlan(
        name=plan.name,
        title=plan.title,
        type=None if plan.type is None else FailoverType(plan.type),
        run_pitr=plan.run_pitr,
        waves=tuple(Wave(name=w.name, domains=w.domains, gate=Gate(w.gate)) for w in plan.waves),
        others=Others(plan.others),
        domains_at_once=plan.domains_at_once,
        patience_s=parse_duration(plan.patience),
        on_failure=OnFailure(plan.on_failure),
    )
