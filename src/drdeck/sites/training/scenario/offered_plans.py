"""The failover plans that a scenario brings, as the controller takes them."""

from __future__ import annotations

from drdeck.model.domains import FailoverType
from drdeck.model.plans.failover_plan import FailoverPlan, Gate, OnFailure, Others, Wave
from drdeck.model.times import parse_duration

from .scenario_tables import ScenarioPlan


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
