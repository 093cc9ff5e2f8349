"""The look at a plan before its run: sums, exceptions, consequences. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from drdeck.console.format import Line, Piece, cut, name, right, stamp, wrap
from drdeck.model.plans.plan_check import DomainCheck, PlanCheck, PlanSummary, Possible
from drdeck.model.text import clean, some
from drdeck.model.times import show_duration

_SIGNS: Mapping[Possible, Piece] = {
    Possible.YES: ("✓", "ok"),
    Possible.WARNING: ("!", "warn"),
    Possible.NO: ("✗", "bad"),
    Possible.SKIPPED: ("-", "dim"),
}
_WORDS = {
    Possible.YES: "possible",
    Possible.WARNING: "warning",
    Possible.NO: "not possible",
    Possible.SKIPPED: "skipped",
}
_ORDER = (Possible.NO, Possible.WARNING, Possible.SKIPPED, Possible.YES)


def sums_line(check: PlanCheck) -> Line:
    """The domains by what can be done, and their VMs."""
    pieces: list[Piece] = [(f"{check.number} domains begin, {check.vms} VMs", "bold")]
    counts = (
        (len(check.of(Possible.WARNING)), "warning", "warn"),
        (len(check.of(Possible.NO)), "not possible", "bad"),
        (len(check.of(Possible.SKIPPED)), "here", "dim"),
        (sum(d.left_out for d in check.domains), "left out", "accent"),
    )
    pieces += [(f"  {count} {word}", style) for count, word, style in counts if count]
    return tuple(pieces)


def direction_lines(check: PlanCheck, width: int) -> list[Line]:
    """From which sites to which."""
    words = clean(check.direction) or "no domain would begin"
    return [((part, "bold"),) for part in wrap(words[:1].upper() + words[1:], width)]


def plan_cell(check: PlanCheck, domain: DomainCheck) -> Piece:
    """The words of the list of domains on what a plan of the marked ones would do with one."""
    word, style = _WORDS[domain.possible], _SIGNS[domain.possible][1]
    pitr = ", Run PITR" if check.run_pitr else ""
    return f"{word}: {reason_of(domain) or f'{check.type}{pitr}'}", style


def by_trouble(check: PlanCheck) -> list[DomainCheck]:
    """Those that are not possible first, then warnings, then what is here already, then the rest by wave."""
    return sorted(check.domains, key=lambda d: (_ORDER.index(d.possible), d.wave))


def check_header(width: int) -> Line:
    first = _first(width)
    return ((f"    {'Domain':{first}} Wave  VMs  {'':12}  Reason", "head"),)


def _first(width: int) -> int:
    return max(10, min(24, width // 4))


def check_row(domain: DomainCheck, width: int, waves: tuple[str, ...]) -> Line:
    """One domain: whether it would begin, and why not."""
    first = _first(width)
    sign, word = _SIGNS[domain.possible], _WORDS[domain.possible]
    if domain.left_out:
        sign, word = ("○", "accent"), "left out"
    rest = width - first - 32
    reason = reason_of(domain)
    style = "dim" if domain.left_out or domain.possible is Possible.SKIPPED else ""
    return (
        ("[ ] " if domain.left_out else "[x] " if _begins(domain) else "    ", style),
        sign,
        (" ", ""),
        (name(domain.name, first - 2), style),
        (f" {domain.wave + 1:<4} {right(str(domain.vms), 4)}  {word:12}  ", style or sign[1]),
        (cut(reason, max(0, rest)), style),
    )


def reason_of(domain: DomainCheck) -> str:
    """Everything that is said of a domain, in one line."""
    return clean("; ".join(dict.fromkeys(filter(None, (domain.reason, *domain.warnings)))))


def _begins(domain: DomainCheck) -> bool:
    return domain.possible in (Possible.YES, Possible.WARNING)


def consequence_lines(check: PlanCheck, width: int) -> list[Line]:
    """Everything to read before the decision, the gravest first."""
    lines: list[Line] = []
    for text, style in (
        (f"Not possible now: {clean(check.refusal)}" if check.refusal else "", "bad"),
        *((clean(problem), "warn") for problem in check.problems),
        (_running(check), "warn"),
        *((clean(text), "") for text in check.says),
        (_estimate(check), "bold"),
        (
            f"rehearsed {clean(check.rehearsed)}"
            if check.rehearsed
            else "Nobody has rehearsed this plan here.",
            "dim",
        ),
        *((f"Not checked: {clean(text)}", "dim") for text in check.not_checked),
    ):
        if text:
            lines += [((part, style),) for part in wrap(text, width)]
    return lines


def _running(check: PlanCheck) -> str:
    if not check.running:
        return ""
    names = some([clean(domain) for domain in check.running], most=6)
    return (
        f"The protected VMs of {len(check.running)} are seen to run: {names}. They need a word of their own."
    )


def _estimate(check: PlanCheck) -> str:
    if check.estimate_s is None:
        return ""
    return (
        f"est. {show_duration(check.estimate_s)} until all are recovered, from {clean(check.estimate_from)}"
    )


def looked_line(check: PlanCheck) -> Line:
    """The instant of the look."""
    return ((f"looked at {stamp(check.at)}, and again before anything begins", "dim"),)


def plan_row(summary: PlanSummary, width: int) -> Line:
    """A plan in the list of plans."""
    first = max(12, min(24, width // 3))
    plan = summary.plan
    count = len(plan.waves) + (plan.others == "last")
    waves = f"{count} wave{'s' if count != 1 else ''}"
    text = f" {summary.domains:>4} domains  {waves:8} "
    trouble = ("!", "warn") if summary.problems else (" ", "")
    rest = width - first - len(text) - 2
    title = cut(clean(plan.title), max(0, rest))
    return (trouble, (" ", ""), (name(plan.name, first), "bold"), (text, ""), (title, "dim"))


def plan_lines(summary: PlanSummary, width: int) -> list[Line]:
    """The plan under the cursor: its waves, its rehearsal, what does not fit the site."""
    lines: list[Line] = []
    for number, wave in enumerate(summary.plan.waves, 1):
        gate = ", begins when somebody says so" if wave.gate == "confirm" else ""
        text = f"{number}. {clean(wave.name)}: {', '.join(map(clean, wave.domains))}{gate}"
        lines.append(((cut(text, width), ""),))
    if summary.plan.others == "last":
        lines.append(((f"{len(summary.plan.waves) + 1}. others: every domain that no wave names", ""),))
    rehearsed = f"rehearsed {clean(summary.rehearsed)}" if summary.rehearsed else "not rehearsed here"
    lines.append(((rehearsed, "dim"),))
    lines += [((part, "warn"),) for text in summary.problems[:2] for part in wrap(clean(text), width)]
    return lines
