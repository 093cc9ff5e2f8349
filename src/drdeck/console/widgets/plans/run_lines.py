"""A run of a Failover Plan: its head, the rows of its domains, and what it waits for. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from drdeck.console.format import (
    UNKNOWN,
    Line,
    Piece,
    fit,
    folded,
    hour,
    left,
    name,
    right,
    second,
    spread,
    width_of,
)
from drdeck.model.plans.common_instant import points_apart
from drdeck.model.plans.run_views import (
    NOT_BEGUN,
    RUN_ENDED,
    DomainInRun,
    InRunState,
    Needs,
    ProtectedAsked,
    RunState,
    RunView,
)
from drdeck.model.text import clean, some
from drdeck.model.times import show_clock
from drdeck.terminal_info import FULL_WIDTH

_LABELS = {"force": "Force", "planned": "Planned", "regular": "Regular"}
_SIGNS: Mapping[InRunState, Piece] = {
    InRunState.RUNNING: ("▶", "accent"),
    InRunState.RECOVERED: ("✓", "ok"),
    InRunState.PITR_SESSION: ("✓", "ok"),
    InRunState.UNKNOWN: ("?", "bad"),
    InRunState.FAILED: ("✗", "bad"),
    InRunState.NOT_POSSIBLE: ("-", "dim"),
    InRunState.SKIPPED: ("-", "dim"),
    InRunState.LEFT_OUT: ("-", "dim"),
}
_OVER = frozenset(
    {
        InRunState.RECOVERED,
        InRunState.PITR_SESSION,
        InRunState.SKIPPED,
        InRunState.LEFT_OUT,
        InRunState.NOT_POSSIBLE,
    }
)
_LIVELY = (InRunState.QUESTION, InRunState.UNKNOWN, InRunState.RUNNING)
_STATE_STYLES: Mapping[RunState, str] = {
    RunState.PAUSING: "bold",
    RunState.PAUSED: "bold",
    RunState.DONE: "ok",
    RunState.DONE_WITH_EXCEPTIONS: "bad",
    RunState.RESULT_UNKNOWN: "bad",
}


def head_lines(run: RunView, now: datetime, width: int) -> list[Line]:
    """Plan and clock, the waves, and what it comes to: three lines."""
    return [_title(run, now, width), fit(_waves(run, width), width), fit(_sums(run), width)]


def _title(run: RunView, now: datetime, width: int) -> Line:
    kind = f"{_LABELS[run.type]}{', Run PITR' if run.run_pitr else ''}"
    going = run.state in (RunState.RUNNING, RunState.WAITING)
    what: Piece = (f"  {kind}", "") if going else (f"  {run.state.words}", _STATE_STYLES.get(run.state, ""))
    since = ((run.ended_at or now) - run.since).total_seconds()
    clock = "since decision " if run.ended_at is None else "to the end "
    start: Line = ((" Failover Plan ", ""), (clean(run.plan), "bold"), (f"  {clean(run.run)}", ""), what)
    return spread(start, ((clock, "dim"), (f"{show_clock(since)} ", "bold")), width)


def _waves(run: RunView, width: int) -> Line:
    """The waves; where the line is short, those that are settled go first."""
    first = 0
    if width < FULL_WIDTH:
        while width_of(_waves_from(run, first)) > width and run.waves[first].state == "settled":
            first += 1
    return _waves_from(run, first)


def _waves_from(run: RunView, first: int) -> Line:
    pieces: list[Piece] = [(" ...", "dim")] if first else []
    for number, wave in enumerate(run.waves[first:], first + 1):
        stands = "held " if wave.state == "held" else "waits for you " if wave.state == "gate" else ""
        style = {"settled": "ok", "running": "bold", "gate": "warn"}.get(wave.state, "dim")
        named = f"{number} {clean(wave.name)}" if wave.name != str(number) else str(number)
        text = f"wave {named} {stands}{wave.settled}/{wave.of}"
        pieces += [("   " if pieces else " ", ""), (text, style)]
    return tuple(pieces)


def _sums(run: RunView) -> Line:
    vms = sum(d.vms for d in run.domains if d.state not in _LEFT)
    recovered = sum(d.recovered for d in run.domains if d.state not in _LEFT)
    pieces: list[Piece] = [(f" VMs {recovered}/{vms} recovered", "bold")]
    going = sum(d.goes_on for d in run.domains)
    if going:
        pieces.append((f"   {going} running", "accent"))
    for state, word, style in (
        (InRunState.WAITS_FOR_PLACE, "waiting", ""),
        (InRunState.UNKNOWN, "result unknown", "bad"),
        (InRunState.FAILED, "failed", "bad"),
    ):
        count = sum(d.state is state for d in run.domains)
        if count:
            pieces.append((f"   {count} {word}", style))
    used = [(kind, count) for kind, count in run.places.items() if count[0]]
    if used:
        alone = len(used) == 1
        words = [f"{'' if alone else clean(kind).replace('_', ' ') + ' '}{n}/{of}" for kind, (n, of) in used]
        pieces.append((f"   places {', '.join(words)}", "dim"))
    return tuple(pieces)


_LEFT = frozenset({InRunState.LEFT_OUT, InRunState.NOT_POSSIBLE, InRunState.SKIPPED})


def list_line(run: RunView, width: int, words: str = "") -> Line:
    """The line above the list: its order, with the numbers in it."""
    running = sum(d.goes_on for d in run.domains)
    needs: Piece = (f" needs you ({run.needs})", "alert" if run.needs else "dim")
    end: Line = ((f'filter: "{clean(words)}" ', "accent"),) if words else (("/ filters ", "dim"),)
    return spread((needs, (f", then running ({running}), then the rest", "dim")), end, width)


def ordered(domains: Iterable[DomainInRun]) -> list[DomainInRun]:
    """Those that need a person first, then what goes on, then the rest by wave."""

    def rank(domain: DomainInRun) -> tuple[int, int]:
        if domain.needs is not Needs.NOTHING:
            return 0, 0
        if domain.state in _LIVELY or domain.doing:
            return 1, 0
        return (2, 0) if domain.state is InRunState.WAITS_FOR_PLACE else (3, domain.wave)

    return sorted(domains, key=rank)


def next_in_need(domains: list[DomainInRun], after: str | None) -> DomainInRun | None:
    """The next domain that needs a person behind the one named; the first one behind the last."""
    needy = [d for d in domains if d.needs is not Needs.NOTHING]
    names = [d.name for d in needy]
    if not needy:
        return None
    return needy[(names.index(after) + 1) % len(needy)] if after in names else needy[0]


def run_header(width: int) -> Line:
    first, state = _columns(width)
    columns = f"  {left('Domain', first)} Wave {left('State', state)} Step      VMs   For"
    return ((columns if width < _NEEDS_FROM else f"{columns}   Needs", "head"),)


_NEEDS_FROM = 60
"""Cells below which, beside an open domain, the column of needs gives its room to names."""


def _columns(width: int) -> tuple[int, int]:
    """Widths of name and state; the others are fixed."""
    fixed = 2 + 1 + 4 + 1 + 1 + 5 + 1 + 7 + 1 + 5 + (14 if width >= _NEEDS_FROM else 0)
    free = max(16, width - fixed)
    first = max(8, min(24, free * 2 // 5))
    return first, free - first


def run_row(domain: DomainInRun, width: int, now: datetime) -> Line:
    """One domain of the run."""
    first, room = _columns(width)
    needy = domain.needs is not Needs.NOTHING
    lively: Piece | None = ("!", "warn") if needy else _SIGNS[InRunState.RUNNING] if domain.doing else None
    sign = lively or _SIGNS.get(domain.state, (" ", ""))
    style = "dim" if domain.state in _LEFT or domain.state is InRunState.HELD else ""
    state = _state_style(domain, needy)
    since = UNKNOWN if domain.since is None else _for(domain, now)
    vms = f"{domain.recovered}/{domain.vms}"
    pieces: list[Piece] = [
        sign,
        (" ", ""),
        (name(domain.name, first), "bold" if needy else style),
        (f" {domain.wave + 1:<4} ", style),
        (left(state_text(domain), room), state),
        (f" {left(domain.step or (UNKNOWN if domain.state not in _OVER else ''), 5)}", style),
        (f" {right(vms, 7)} {right(since, 5)}", style),
    ]
    if width >= _NEEDS_FROM:
        pieces.append((f"   {left(domain.needs.value, 11)}", "warn"))
    return tuple(pieces)


def _state_style(domain: DomainInRun, needy: bool) -> str:
    if domain.state in (InRunState.UNKNOWN, InRunState.FAILED):
        return "bad"
    if needy:
        return "warn"
    if domain.doing:
        return "accent"
    if domain.state in (InRunState.RECOVERED, InRunState.PITR_SESSION):
        return "ok"
    return "accent" if domain.state is InRunState.RUNNING else "dim" if domain.state in _LEFT else ""


def state_text(domain: DomainInRun) -> str:
    """The state in words, with the reason where there is one."""
    words = "Completing" if domain.state is InRunState.RUNNING else domain.words
    reason = clean(domain.reason or domain.question)
    if domain.doing and reason and domain.needs is Needs.NOTHING:
        return reason  # "rolled back; nothing starts before ..." says more than what is done
    return f"{words}: {reason}" if reason else words


def _for(domain: DomainInRun, now: datetime) -> str:
    """The time for which it has been so: minutes and seconds, from an hour on hours and minutes."""
    assert domain.since is not None
    whole = max(0, int((now - domain.since).total_seconds()))
    if whole >= 360000:
        return f"{whole // 86400}d"
    return (
        f"{whole // 60:02}:{whole % 60:02}" if whole < 3600 else f"{whole // 3600:02}h{whole % 3600 // 60:02}"
    )


def foot_lines(run: RunView, now: datetime, width: int, low: bool = False) -> list[Line]:
    """The protected site of a Force under way, the estimate of the end, and what the run waits for."""
    site = [fit(_protected_site(run.protected), width)] if run.protected is not None and not low else []
    if width >= FULL_WIDTH:
        return [*site, fit(_site_or_end(run), width), fit(_waits(run), width)]
    return [*site, *folded(_site_or_end(run), width)[:2], *folded(_waits(run), width)[:2]]


def _protected_site(look: ProtectedAsked) -> Line:
    words = "it answers" if look.answers else "no answer"
    before = f", answered last {second(look.answered_at)}" if look.answered_at is not None else ""
    return ((f" protected site: {words}", ""), (f" (asked {second(look.at)}{before})", "dim"))


def _site_or_end(run: RunView) -> Line:
    if run.pitr is not None and run.pitr.holds:
        text = f"nothing starts before all are reverted; held by {some([clean(n) for n in run.pitr.barrier])}"
        return ((f" {text}", "accent"),)
    if run.answers_again is not None:
        text = f" the protected site answers again, since {second(run.answers_again)}"
        return ((text, "alert"), ("  what was started continues", "dim"))
    if run.finishes_at is not None:
        return ((f" est. end {hour(run.finishes_at)}", "bold"), (f", from {clean(run.finishes_from)}", "dim"))
    if run.state in RUN_ENDED:
        return _leaving(run) or ((f" {ending(run)}", "bold"),)
    if run.needs and not any(d.goes_on or d.state in NOT_BEGUN for d in run.domains):
        return ((" no estimate: what needs you holds the end", "dim"),)
    return ((f" no estimate yet: {clean(run.finishes_from) or 'nothing was timed here before'}", "dim"),)


def _leaving(run: RunView) -> Line:
    """An exit of many sessions that goes on; empty without one."""
    last = run.batches[-1] if run.batches else None
    if last is None or last.action != "pitr_exit" or last.ended == len(last.domains):
        return ()
    text = f" leaving sessions: {last.ended}/{len(last.domains)}"
    return ((text, "accent"), ("; protection resumes domain by domain", "dim"))


def ending(run: RunView) -> str:
    """The end in a sentence that counts every domain."""
    words = []
    for states, word in (
        ((InRunState.RECOVERED, InRunState.PITR_SESSION), "here"),
        ((InRunState.SKIPPED,), "here before"),
        ((InRunState.LEFT_OUT,), "left out"),
        ((InRunState.NOT_POSSIBLE,), "not possible"),
        ((InRunState.FAILED,), "failed"),
        ((InRunState.UNKNOWN,), "result unknown"),
        ((InRunState.HELD, InRunState.WAITS_FOR_PLACE), "not begun"),
        ((InRunState.RUNNING, InRunState.QUESTION), "not ended"),
    ):
        count = sum(d.state in states for d in run.domains)
        if count:
            words.append(f"{count} {word}")
    return f"{len(run.domains)} domains: {', '.join(words)}"


def _waits(run: RunView) -> Line:
    if run.pitr is not None and run.state in RUN_ENDED | {RunState.WAITING}:
        return instant_line(run)
    waiting = [(n, w) for n, w in enumerate(run.waves, 1) if w.begins and w.state in ("held", "gate")]
    begins = f"wave {waiting[0][0]} begins {waiting[0][1].begins}" if waiting else ""
    if run.why:
        return ((f" {run.state.words}: {clean(run.why)}", "bold"),)
    return ((f" {clean(begins)}", ""),)


def instant_line(run: RunView) -> Line:
    """The instant that the sessions went, or go, back to, with its spread."""
    assert run.pitr is not None
    spread_s = run.pitr.spread_s
    back = run.going_back
    text = f" {'rolled' if back is None else 'rolling'} back to {second(run.pitr.to)}"
    if back is not None:
        text += f", {back.ended}/{len(back.domains)} done"
    if spread_s is not None:
        text += f", points {points_apart(spread_s)}"
    pieces: list[Piece] = [(text, "ok")]
    if run.pitr.cannot:
        pieces.append((f"; cannot reach it: {some([clean(n) for n in run.pitr.cannot])}", "bad"))
    return tuple(pieces)
