"""Times of the task steps of domains, told from one view to the next."""

from __future__ import annotations

from datetime import datetime

import msgspec

from drdeck.model.domains import Domain, Step, StepState
from drdeck.model.views import SiteView

_AT_WORK = (StepState.CURRENT, StepState.FAILED)


class StepTimes:
    """Follows views. A domain that is the same object as in the view before is the same with its times."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Domain, Domain]] = {}
        """by a domain's id: as the last view had it, and with the times of its steps"""
        self._serial = -1

    def with_times(self, view: SiteView) -> SiteView:
        """The view, whose steps tell when they were seen to begin and end; an older one as it is.

        What changed while nobody looked, before the first view or while a domain could not be read, has none.
        """
        if view.serial <= self._serial:
            return view
        self._serial, now = view.serial, view.clock.site
        self._last = {d.id: (d, _followed(d, self._last.get(d.id), now)) for d in view.domains}
        domains = tuple(self._last[domain.id][1] for domain in view.domains)
        if all(new is old for new, old in zip(domains, view.domains, strict=True)):
            return view
        return msgspec.structs.replace(view, domains=domains)


def _followed(domain: Domain, last: tuple[Domain, Domain] | None, now: datetime) -> Domain:
    if last is None:
        return domain
    bare, timed = last
    if bare is domain:
        return timed
    return _with_times(domain, timed, now) if domain.steps and not timed.broken else domain


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
