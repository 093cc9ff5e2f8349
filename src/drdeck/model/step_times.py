"""Times of the task steps of a domain, told from one view to the next. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.domains import Domain, Step, StepState
from drdeck.model.views import SiteView

_AT_WORK = (StepState.CURRENT, StepState.FAILED)


def with_step_times(view: SiteView, before: SiteView | None) -> SiteView:
    """The view, whose steps tell when they were seen to begin and end; `before`: the view before, with times.

    What changed while nobody looked, before the first view or while a domain could not be read, has none.
    """
    if before is None:
        return view
    earlier = {domain.id: domain for domain in before.domains if not domain.broken}
    now = view.clock.site
    domains = tuple(
        _with_times(d, earlier[d.id], now) if d.steps and d.id in earlier else d for d in view.domains
    )
    if all(new is old for new, old in zip(domains, view.domains, strict=True)):
        return view
    return msgspec.structs.replace(view, domains=domains)


def _with_times(domain: Domain, before: Domain, now: datetime) -> Domain:
    """A domain with the times of its steps; those of another run of steps count for nothing."""
    if _run(domain) == _run(before):
        steps = tuple(_timed(s, old, now) for s, old in zip(domain.steps, before.steps, strict=True))
    else:
        steps = tuple(_begun(s, now) for s in domain.steps)
    if all(new is old for new, old in zip(steps, domain.steps, strict=True)):
        return domain
    return msgspec.structs.replace(domain, steps=steps)


def _run(domain: Domain) -> object:
    """The mark by which the steps of one act differ from those of the next."""
    return domain.failover and domain.failover.id, tuple(step.label for step in domain.steps)


def _begun(step: Step, now: datetime) -> Step:
    return msgspec.structs.replace(step, began_at=now) if step.state in _AT_WORK else step


def _timed(step: Step, before: Step, now: datetime) -> Step:
    began, ended = before.began_at, before.ended_at
    if step.state is StepState.PENDING:
        return step
    if step.state in _AT_WORK:
        ended = None
        began = began if before.state in _AT_WORK else now
    elif before.state is not StepState.DONE:
        ended = now
    if (began, ended) == (step.began_at, step.ended_at):
        return step
    return msgspec.structs.replace(step, began_at=began, ended_at=ended)
