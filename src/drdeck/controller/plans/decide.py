"""The next begins of a run: a pure function of its frozen plan, what was journaled of it, and what is seen.

The same input gives the same answer, so a controller that was killed goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import msgspec

from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.controller.journal.runs import RunRecord
from drdeck.model.actions.action_rules import driven_says
from drdeck.model.domains import Domain, FailoverType, Mode, Owner, SessionState
from drdeck.model.plans.failover_plan import Gate, OnFailure
from drdeck.model.plans.frozen_plan import FrozenDomain, FrozenPlan
from drdeck.model.plans.run_views import DomainInRun, InRunState, Needs, RunState, WaveView
from drdeck.model.times import show_span

GIVES_PLACE_BACK = timedelta(seconds=60)
"""A domain that has waited for a person for so long counts no more among those that are under way."""
_ENDS = frozenset(
    {
        InRunState.RECOVERED,
        InRunState.PITR_SESSION,
        InRunState.SKIPPED,
        InRunState.LEFT_OUT,
        InRunState.NOT_POSSIBLE,
        InRunState.FAILED,
    }
)


class MakeRow(Protocol):
    """Makes the row of one domain."""

    def __call__(self, state: InRunState, reason: str = "", **more: Any) -> DomainInRun: ...


class RunDecision(NamedTuple):
    """The next thing that a run does.

    `begins`: names in the order in which to begin them. `state` is one of the ends once `over`.
    """

    domains: tuple[DomainInRun, ...]
    waves: tuple[WaveView, ...]
    begins: tuple[str, ...]
    state: RunState
    why: str
    over: bool


class KeptRows:
    """The rows of one run as they were made last: one is made anew where what it is made of is another
    object, and where time counts. A run is looked at with each event, most of which are one domain's."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[tuple[object, ...], DomainInRun]] = {}

    def row(
        self,
        run: RunRecord,
        d: FrozenDomain,
        domain: Domain | None,
        operations: Mapping[str, Operation],
        now: datetime,
    ) -> DomainInRun:
        """As `_row`."""
        made_of = run, d, domain, operations.get(run.begun.get(d.name, ""))
        last = self._rows.get(d.name)
        if last is not None and all(a is b for a, b in zip(last[0], made_of, strict=True)):
            return last[1]
        row = _row(run, d, domain, operations, now)
        if row.state not in _COUNTS_TIME:
            self._rows[d.name] = made_of, row
        return row


_COUNTS_TIME = (InRunState.QUESTION, InRunState.UNKNOWN)


def decide(
    run: RunRecord,
    domains: Mapping[str, Domain],
    operations: Mapping[str, Operation],
    now: datetime,
    kept: KeptRows | None = None,
) -> RunDecision:
    """All of a run as things are now. `domains`: those of the view by name; `kept`: rows of before."""
    frozen, kept = run.frozen, kept or KeptRows()
    rows = [kept.row(run, d, domains.get(d.name), operations, now) for d in frozen.domains]
    open_waves = _open_waves(run, rows)
    begins = _begins(run, rows, open_waves, operations, now)
    rows = [_placed(row, open_waves, frozen) for row in rows]
    waves = tuple(_wave(run, number, rows, open_waves) for number in range(len(frozen.waves)))
    state, why = _state(run, rows, waves, begins)
    over = all(row.settled and row.state in _ENDS for row in rows)
    if over:
        state, why = _end(rows), ""
    return RunDecision(tuple(rows), waves, begins, state, why, over)


def _row(
    run: RunRecord, d: FrozenDomain, domain: Domain | None, operations: Mapping[str, Operation], now: datetime
) -> DomainInRun:
    """The state of one domain; HELD for those that have not begun, whatever holds them."""

    def row(state: InRunState, reason: str = "", **more: Any) -> DomainInRun:
        shape: dict[str, Any] = {
            "name": d.name,
            "wave": d.wave,
            "vms": domain.vms_total if domain is not None else d.vms,
            "recovered": domain.vms_recovered if domain is not None else 0,
            "settled": state in _ENDS and state is not InRunState.FAILED,
        }
        return DomainInRun(**{**shape, "state": state, "reason": reason, **more})

    ident = run.begun.get(d.name)
    if d.impossible:
        return row(InRunState.NOT_POSSIBLE, d.impossible)
    if d.skipped:
        return row(InRunState.SKIPPED, d.skipped)
    if d.left_out:
        return row(InRunState.LEFT_OUT, d.left_out)
    leave = run.left_out.get(d.name)
    if leave is not None:
        return row(InRunState.LEFT_OUT, f"by {leave.by}", operation=ident, since=leave.at)
    if ident is not None:
        return _begun(run, d, ident, domain, operations.get(ident), now, row)
    stop = run.stopped.get(d.name)
    if stop is not None:
        patient = _patience_over(run.frozen, stop.at, now)
        return row(InRunState.QUESTION, stop.why, needs=Needs.BEGIN_ANEW, since=stop.at, settled=patient)
    if domain is not None and _is_here(domain):
        return row(InRunState.SKIPPED, "it is here already")
    return row(InRunState.HELD)


def _begun(
    run: RunRecord,
    d: FrozenDomain,
    ident: str,
    domain: Domain | None,
    op: Operation | None,
    now: datetime,
    row: MakeRow,
) -> DomainInRun:
    """A domain whose failover was begun by the run."""
    end = run.ends.get(ident)
    recovered_at = domain.failover.recovered_at if domain is not None and domain.failover else None
    if end is not None:
        if end.state is OperationState.DONE:
            return row(InRunState.RECOVERED, operation=ident, since=recovered_at or end.at)
        if domain is not None and _is_here(domain):
            return row(InRunState.RECOVERED, "completed otherwise", operation=ident, since=end.at)
        answered = end.state is OperationState.ABORTED
        goes_on = run.frozen.on_failure is OnFailure.GO_ON and run.frozen.type is not FailoverType.PLANNED
        return row(
            InRunState.FAILED,
            end.error,
            operation=ident,
            since=end.at,
            settled=answered or goes_on,
            needs=Needs.NOTHING if answered or goes_on else Needs.BEGIN_ANEW,
        )
    if op is None:
        return _elsewhere(domain, ident, row)
    step = domain.step if domain is not None else None
    more = {"operation": ident, "step": f"{step.number}/{step.of}" if step is not None else ""}
    if op.question is not None:
        unknown = op.question.kind == "unknown"
        patient = op.question_at is not None and _patience_over(run.frozen, op.question_at, now)
        return row(
            InRunState.UNKNOWN if unknown else InRunState.QUESTION,
            op.question.text,
            question=op.question.text,
            choices=op.question.choices,
            needs=Needs.LOOK if unknown else Needs.ANSWER,
            settled=patient,
            since=op.question_at,
            **more,
        )
    if domain is not None and domain.session is not None:
        session = domain.session
        if session.after_failover == ident and session.state is not SessionState.WAITING:
            return row(InRunState.PITR_SESSION, since=session.started_at, **more)
    return row(InRunState.RUNNING, op.waits_for, since=op.asked_at, **more)


def _elsewhere(domain: Domain | None, ident: str, row: MakeRow) -> DomainInRun:
    """A domain whose failover another controller drives, or which is being taken over from it."""
    if domain is None or domain.failover is None or domain.failover.id != ident:
        return row(InRunState.UNKNOWN, "its operation is not known any more", needs=Needs.LOOK)
    by = driven_says(domain) or "its operation is taken up here"
    if domain.session is not None and domain.session.state is not SessionState.WAITING:
        return row(InRunState.PITR_SESSION, by, operation=ident, since=domain.session.started_at)
    return row(InRunState.RUNNING, by, operation=ident, since=domain.failover.began_at)


def _is_here(domain: Domain) -> bool:
    return domain.owner is Owner.LOCAL and domain.mode in (
        Mode.RUNNING_IN_FAILOVER,
        Mode.PITR_SESSION,
        Mode.PROTECTED,
    )


def _patience_over(frozen: FrozenPlan, since: datetime, now: datetime) -> bool:
    """A question has stood for so long that the next wave need not wait; in a Planned run it always must."""
    if frozen.type is FailoverType.PLANNED:
        return False
    return now - since >= timedelta(seconds=frozen.patience_s)


def _open_waves(run: RunRecord, rows: Sequence[DomainInRun]) -> set[int]:
    """Waves that may begin domains: the waves before are settled and the gate is passed, or it has begun."""
    begun = max((row.wave for row in rows if row.name in run.begun), default=-1)
    open_waves = set[int]()
    settled = True
    for number, wave in enumerate(run.frozen.waves):
        passed = number == 0 or wave.gate is Gate.SETTLED or number in run.gates
        if number <= begun or (settled and passed):
            open_waves.add(number)
        settled = settled and all(row.settled for row in rows if row.wave == number)
    return open_waves


def _begins(
    run: RunRecord,
    rows: Sequence[DomainInRun],
    open_waves: set[int],
    operations: Mapping[str, Operation],
    now: datetime,
) -> tuple[str, ...]:
    if run.ended or run.paused is not None:
        return ()
    if run.frozen.type is FailoverType.PLANNED and any(row.needs is not Needs.NOTHING for row in rows):
        return ()  # nothing new is shut down while something stands
    places = run.frozen.domains_at_once - sum(_under_way(row, now) for row in rows)
    waiting = [row.name for row in rows if row.state is InRunState.HELD and row.wave in open_waves]
    return tuple(waiting[: max(0, places)])


def _under_way(row: DomainInRun, now: datetime) -> bool:
    if row.operation is None or row.state in _ENDS:
        return False
    asks = row.state in (InRunState.QUESTION, InRunState.UNKNOWN)
    return not asks or row.since is None or now - row.since < GIVES_PLACE_BACK


def _placed(row: DomainInRun, open_waves: set[int], frozen: FrozenPlan) -> DomainInRun:
    """The row with what a domain that has not begun waits for."""
    if row.state is not InRunState.HELD:
        return row
    if row.wave in open_waves:
        return msgspec.structs.replace(row, state=InRunState.WAITS_FOR_PLACE)
    return msgspec.structs.replace(row, reason=f'wave "{frozen.waves[row.wave].name}"')


def _wave(run: RunRecord, number: int, rows: Sequence[DomainInRun], open_waves: set[int]) -> WaveView:
    wave, own = run.frozen.waves[number], [row for row in rows if row.wave == number]
    settled = sum(row.settled for row in own)
    before = [row for row in rows if row.wave < number and not row.settled]
    if settled == len(own):
        return WaveView(name=wave.name, state="settled", settled=settled, of=len(own))
    if number in open_waves:
        return WaveView(name=wave.name, state="running", settled=settled, of=len(own))
    if not before:
        begins = f'drdeck plan resume {run.id} (Resume Plan) lets wave "{wave.name}" begin'
        return WaveView(name=wave.name, state="gate", settled=settled, of=len(own), begins=begins)
    needing = sum(row.needs is not Needs.NOTHING for row in before)
    words = f"{len(before) - needing} running" + (f", {needing} need you" if needing else "")
    begins = f'when wave "{run.frozen.waves[number - 1].name}" is settled: {words}'
    return WaveView(name=wave.name, state="held", settled=settled, of=len(own), begins=begins)


def _state(
    run: RunRecord, rows: Sequence[DomainInRun], waves: Sequence[WaveView], begins: Sequence[str]
) -> tuple[RunState, str]:
    running = sum(row.state is InRunState.RUNNING for row in rows)
    if run.paused is not None:
        return (RunState.PAUSING if running else RunState.PAUSED), run.paused
    if running or begins:
        return RunState.RUNNING, ""
    needing = [row for row in rows if row.needs is not Needs.NOTHING]
    if needing:
        waits = run.frozen.type is not FailoverType.PLANNED and any(wave.state == "held" for wave in waves)
        later = f"; the next wave waits {show_span(run.frozen.patience_s)} at most" if waits else ""
        count = "1 domain" if len(needing) == 1 else f"{len(needing)} domains"
        return RunState.WAITING, f"{count}{later}"
    gate = next((wave for wave in waves if wave.state == "gate"), None)
    if gate is not None:
        return RunState.WAITING, gate.begins
    return RunState.RUNNING, ""


def _end(rows: Sequence[DomainInRun]) -> RunState:
    clean = (InRunState.RECOVERED, InRunState.PITR_SESSION, InRunState.SKIPPED)
    return RunState.DONE if all(row.state in clean for row in rows) else RunState.DONE_WITH_EXCEPTIONS
