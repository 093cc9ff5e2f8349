"""Estimates of ends: from bytes and the pace at which they come, VMs that are ready, or earlier runs."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from drdeck.model.domains import Domain, FailoverType, Mode, SessionState, Vm
from drdeck.model.facts.life_facts import Estimate
from drdeck.model.text import show_bytes
from drdeck.model.times import show_duration
from drdeck.model.views import SiteView

from .journal.operations import Operation, OperationState

SAMPLES = 30
"""Looks at the remaining bytes that the pace is reckoned from."""
APART_S = 10.0
"""Seconds between two of them."""
LEAST_SHARE = 0.1
"""Of the work that must be done before the rest is reckoned from it."""
RUNS = 5
"""Earlier runs that count, the newest."""
_WORDS = {
    "cfo_complete": "failover",
    "pitr_run": "rollback",
    "pitr_exit": "exit",
    "pitr_start": "session start",
    "test_start": "test start",
    "test_end": "test end",
    "failover_undo": "undo",
}
"""Actions whose length earlier runs tell -> one of them in words."""


class Estimates:
    """Follows views. `operations` gives those of the journal as they are now, by their ids."""

    def __init__(self, operations: Callable[[], Mapping[str, Operation]]) -> None:
        self._operations = operations
        self._left: dict[str, deque[tuple[datetime, int]]] = {}
        self._ends_with: dict[str, str] = {}
        """domain -> the operation whose end its estimate is"""

    def with_remarks(self, view: SiteView) -> SiteView:
        """The view, whose domains tell when what goes on with them will be over."""
        now = view.clock.site
        operations = self._operations()
        going = {op.domain: op for op in sorted(operations.values(), key=_asked_at) if not op.ended}
        earlier = Earlier(operations.values())
        domains = tuple(
            self._with_estimate(domain, going.get(domain.name), earlier, now) for domain in view.domains
        )
        if all(new is old for new, old in zip(domains, view.domains, strict=True)):
            return view
        return msgspec.structs.replace(view, domains=domains)

    def of_what_goes_on(self, view: SiteView) -> SiteView:
        """The view without the estimates of operations that ended, or began to ask, since it was taken: the
        next view, which has none of them, may come much later."""
        operations = self._operations()
        over = {
            name
            for name, ident in self._ends_with.items()
            if (op := operations.get(ident)) is None or op.ended or op.question is not None
        }
        if not over:
            return view
        for name in over:
            del self._ends_with[name]
        domains = (
            msgspec.structs.replace(domain, estimate=None) if domain.name in over else domain
            for domain in view.domains
        )
        return msgspec.structs.replace(view, domains=tuple(domains))

    def _with_estimate(self, domain: Domain, op: Operation | None, earlier: Earlier, now: datetime) -> Domain:
        """A domain with the end of `op`, the newest that goes on with it."""
        pace = self._pace(domain, now)
        self._ends_with.pop(domain.name, None)
        if op is not None and op.question is not None:
            return domain
        estimate = pace
        if op is not None and (pace is None or domain.mode is not Mode.REHYDRATING):
            runs = from_runs(op, earlier, now)
            estimate = runs or pace or from_share(op, domain, now)
        if op is not None and estimate is not None:
            self._ends_with[domain.name] = op.id
        return domain if estimate is None else msgspec.structs.replace(domain, estimate=estimate)

    def _pace(self, domain: Domain, now: datetime) -> Estimate | None:
        """The end by the pace at which the rest becomes less; None where it does not, or is unknown."""
        what, left = _remaining(domain)
        if left is None:
            self._left.pop(domain.name, None)
            return None
        samples = self._left.setdefault(domain.name, deque(maxlen=SAMPLES))
        if not samples or (now - samples[-1][0]).total_seconds() >= APART_S:
            samples.append((now, left))
        begin, at_first = samples[0]
        seconds = (now - begin).total_seconds()
        stands_still = len(samples) > 1 and samples[-2][1] <= left
        if seconds < APART_S or left >= at_first or stands_still:
            return None
        per_s = (at_first - left) / seconds
        source = f"what remains at {show_bytes(round(per_s))}/s"
        if what == "snapshots":
            source = f"{left} {what} to remove, one in {show_duration(1 / per_s)}"
        return Estimate(ends_at=_rounded(now, left / per_s), source=source)


def _asked_at(op: Operation) -> datetime:
    return op.asked_at


def _remaining(domain: Domain) -> tuple[str, int | None]:
    """The kind of thing that is brought or removed, and how much of it is left; None where nothing tells.

    After a rollback an exit keeps older points: how many it has to remove is not seen.
    """
    if domain.mode is Mode.REHYDRATING:
        return "bytes", domain.remaining_bytes
    session = domain.session
    if session is not None and session.state is SessionState.EXITING and session.rolled_back_to is None:
        return "snapshots", sum(vm.restore_points or 0 for vm in domain.vms) or None
    return "", None


class Earlier:
    """Operations that tell how long others last, put in order once for all that ask."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._operations = operations
        self._newest: list[Operation] | None = None
        self._took: dict[tuple[str, FailoverType | None], list[tuple[str, float]]] = {}

    def took(self, op: Operation) -> list[tuple[str, float]]:
        """Domain and seconds of each that did what `op`, which goes on, does; the newest first."""
        kind = op.action, op.request.type
        if kind not in self._took:
            if self._newest is None:
                done = (run for run in self._operations if run.state is OperationState.DONE)
                self._newest = sorted(done, key=_asked_at, reverse=True)
            took = ((run.domain, _took_s(run, op)) for run in self._newest)
            self._took[kind] = [(domain, seconds) for domain, seconds in took if seconds is not None]
        return self._took[kind]


def from_runs(op: Operation, earlier: Earlier, now: datetime) -> Estimate | None:
    """The end by what the same act took before: of this domain, else of others; None once that is over."""
    took = earlier.took(op)
    own = [seconds for name, seconds in took if name == op.domain][:RUNS]
    lengths = own or [seconds for _, seconds in took][:RUNS]
    if not lengths:
        return None
    ends_at = op.asked_at + timedelta(seconds=statistics.median(lengths))
    count, word = len(lengths), _WORDS[op.action]
    of = "here" if own else "of other domains"
    source = f"the last {word} {of}" if count == 1 else f"the last {count} {word}s {of}"
    return Estimate(ends_at=ends_at, source=source) if ends_at > now else None


def _took_s(run: Operation, op: Operation) -> float | None:
    """Seconds of an earlier run of the same act; of a failover until its VMs served."""
    if run.action != op.action or run.action not in _WORDS or run.state is not OperationState.DONE:
        return None
    if run.action == "cfo_complete":
        alike = run.request.type == op.request.type
        return float(run.result["rto_s"]) if alike and "rto_s" in run.result else None
    return None if run.ended_at is None else (run.ended_at - run.asked_at).total_seconds()


def from_share(op: Operation, domain: Domain, now: datetime) -> Estimate | None:
    """The end by the share that is done; None before there is enough of it, and once all is."""
    seconds = (now - op.asked_at).total_seconds()
    share, source = _share(op, domain)
    if not LEAST_SHARE <= share < 1 or seconds <= 0:
        return None
    return Estimate(ends_at=_rounded(now, seconds / share * (1 - share)), source=source)


def _share(op: Operation, domain: Domain) -> tuple[float, str]:
    """The share of an act that is done, 0 where nothing tells, and what tells it."""
    if op.action == "cfo_complete" and domain.mode is Mode.COMPLETING and domain.vms_total:
        done = domain.vms_recovered
        return done / domain.vms_total, f"{done} of {domain.vms_total} VMs recovered"
    session = domain.session
    if op.action == "pitr_run" and session is not None and (session.progress or 100) < 100:
        return (session.progress or 0) / 100, f"{session.progress:.0f}% of what is rolled back"
    if op.action == "pitr_run" and op.request.to is not None:
        names = op.request.vms or (session.vms if session is not None else ())
        vms = [vm for vm in domain.vms if not names or vm.name in names]
        share = sum(_rolled_back(vm, op.request.to) for vm in vms) / max(1, len(vms))
        return share, f"{share:.0%} of {len(vms)} VMs rolled back and ready"
    if op.action in ("pitr_exit", "pitr_start") and session is not None and session.progress is not None:
        what = "snapshots removed" if op.action == "pitr_exit" else "entry points made"
        return session.progress / 100, f"{session.progress:.0f}% of {what}"
    return 0.0, ""


def _rolled_back(vm: Vm, to: datetime) -> float:
    if vm.progress is not None:
        return vm.progress / 100
    back = vm.rolled_back_to
    return float(vm.status != "rolling_back" and vm.ready is not False and back is not None and back <= to)


def _rounded(now: datetime, seconds: float) -> datetime:
    """The time after so many seconds, no finer than it is known: it must not change with all news."""
    grain = 10 if seconds < 600 else 60 if seconds < 7200 else 900
    ends = (now + timedelta(seconds=seconds)).timestamp()
    return datetime.fromtimestamp(-(-ends // grain) * grain, now.tzinfo)
