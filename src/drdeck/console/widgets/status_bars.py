"""The bars of a domain: where it stands on the left, its configuration on the right. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from rich.cells import cell_len

from drdeck.console.format import (
    UNKNOWN,
    Line,
    Piece,
    age,
    bar,
    fit,
    in_words,
    left,
    percent,
    plain_of,
    right,
    second,
    spread,
    width_of,
    wrap,
)
from drdeck.console.key_bindings import shown_key
from drdeck.console.state import describe
from drdeck.controller.journal.operations import SESSION_OPEN, OperationView
from drdeck.model.domains import Domain, Mode, Owner, Session
from drdeck.model.text import clean, show_bytes

AFTER_FAILOVER = (Mode.RUNNING_IN_FAILOVER, Mode.PITR_SESSION, Mode.PROTECTED)
_LABEL = 32
"""Cells of the longest label, "Data (Processed/Known Remaining)"."""
_ALONE = 27
"""Cells before the values where they stand in a column; behind a longer label they follow at once."""
_OWNER = "Owner Site"


def owner_text(domain: Domain) -> str:
    """`REMOTE, address` or `LOCAL`, in the vendor's words."""
    if domain.owner is Owner.LOCAL:
        return "LOCAL"
    if domain.owner is Owner.UNKNOWN:
        return UNKNOWN
    return f"REMOTE, {clean(domain.owner_address) or 'address unknown'}"


def pitr_text(domain: Domain) -> str:
    if not domain.pitr.enabled:
        return "off"
    if domain.observed_only:
        return "on, window unknown"
    every = f", every {in_words(domain.pitr.interval_s)}" if domain.pitr.interval_s else ""
    return f"{in_words(domain.pitr.window_s)}{every}"


def replication_text(domain: Domain) -> str:
    """The site's own word; else what follows from session and policy, and nothing else."""
    if domain.replication:
        return clean(domain.replication)
    if domain.session is not None and domain.session.started_at is not None:
        return "Suspended (PITR session)"
    owned = domain.mode is Mode.RUNNING_IN_FAILOVER and domain.owner is Owner.LOCAL
    if owned and domain.pitr.enabled and domain.pitr.interval_s and domain.session is None:
        return f"Protected by points every {in_words(domain.pitr.interval_s)}"
    return UNKNOWN


def step_text(domain: Domain, width: int, place: Callable[[str, int], str] = right) -> Line:
    """The current step in `width` cells: number, label, and as much of a bar as there is room for.

    In sync there is no bar: it would stand at 99% for as long as that lasts. `place` puts what is shorter.
    """
    step = domain.step
    if step is None:
        return ((place(UNKNOWN, width), ""),)
    figures = percent(step.progress)
    label = f"{step.number}/{step.of} {clean(step.label)}"
    if domain.mode is Mode.SYNCHRONISED and step.progress is not None:
        return ((place(f"{step.number}/{step.of} in sync", width), "ok"),)
    if step.progress is None:
        return ((place(label, width), "accent"),)
    room = width - len(figures) - 1 - 9
    return ((left(label, room), "accent"), (f" {bar(step.progress, 8)} {figures}", "accent"))


def recovered_text(domain: Domain) -> str:
    """Of how many VMs how many are recovered, or recoverable before the failover: "3 / 3"; "-" unread."""
    if domain.unread:
        return UNKNOWN
    recovered = domain.mode in AFTER_FAILOVER or domain.mode is Mode.COMPLETING
    count = domain.vms_recovered if recovered and domain.owner is Owner.LOCAL else domain.vms_recoverable
    return f"{count} / {domain.vms_total}"


def figures_of(domain: Domain, now: datetime, width: int, alone: bool = False) -> list[Line]:
    """The bars on the left, each in `width` cells.

    `alone`: with nothing beside them the values stand in a column, near their labels.
    """

    def row(label: str, value: str, style: str = "bold") -> list[Line]:
        if not alone:
            return [((label, "dim"), (right(value, width - len(label)), style))]
        start = max(len(label) + 2, min(_ALONE, width - cell_len(value)))  # before it is cut it moves
        if start + cell_len(value) > width:
            return [((label, "dim"),), ((right(value, width), style),)]
        return [((left(label, start), "dim"), (left(value, width - start), style))]

    after = domain.mode in AFTER_FAILOVER and not domain.observed_only
    session = "warn" if domain.unprotected_s(now) is not None else "bold"
    lines = [
        *row("Mode", domain.mode_label, session),
        *row("Recoverable / Total VMs", recovered_text(domain)),
    ]
    if after:
        return [
            *lines,
            *row("Replication Status", replication_text(domain), session),
            *row("Remaining Background Data", show_bytes(domain.remaining_bytes)),
            *row("Current RPO", age(domain.rpo_s(now))),
        ]
    data = f"{show_bytes(domain.processed_bytes)} / {show_bytes(domain.remaining_bytes)}"
    label = "Current Step".ljust(14)
    step = step_text(domain, width - len(label), left if alone else right)
    if alone and len(plain_of(step).rstrip()) <= width - _ALONE:  # else it needs the room
        label = label.ljust(_ALONE)
        step = step_text(domain, width - len(label), left)
    return [*lines, *row("Data (Processed/Known Remaining)", data), ((label, "dim"), *step)]


def configurations(domain: Domain, width: int, labels: int = 14, owner: bool = True) -> list[Line]:
    """The right side, its values behind `labels` cells, or at once where one of them is too long for that;
    `owner`: with the owner's line."""
    storage, pitr = clean(domain.storage_site) or UNKNOWN, pitr_text(domain)
    rows = [("Storage Site", storage), *([(_OWNER, owner_text(domain))] if owner else []), ("PITR", pitr)]
    if labels + max(cell_len(value) for _, value in rows) > width:
        labels = 14
    lines: list[Line] = [(("Configurations", "head"),)]
    for label, value in rows:
        start = labels if labels + cell_len(value) <= width else len(label) + 2
        if start + cell_len(value) > width:  # beside its label it would be cut
            lines += [((label, "dim"),), ((f" {value}", "bold"),)]
        else:
            lines.append(((left(label, start), "dim"), (value, "bold")))
    return lines


def bars(domain: Domain, now: datetime, width: int) -> list[Line]:
    """Both sides next to each other where nothing is cut by that, else one below the other.

    An owner whose address is too long for the right side goes to the left one, on one line.
    """
    need = (
        _LABEL
        + 1
        + max(len(show_bytes(domain.processed_bytes)) + len(show_bytes(domain.remaining_bytes)) + 3, 16)
    )
    if domain.mode in AFTER_FAILOVER and not domain.observed_only:
        need = max(40, len("Replication Status ") + cell_len(replication_text(domain)))
    left_width = max(need, width * 11 // 20) if width >= 100 else need
    right_width = width - left_width - 3
    owner = owner_text(domain)
    beside = len(_OWNER) + 2 + cell_len(owner) <= right_width
    config = configurations(domain, right_width, owner=beside)
    figures = figures_of(domain, now, left_width)
    if not beside:
        figures.append(((_OWNER, "dim"), (right(owner, left_width - len(_OWNER)), "bold")))
    alone = len(_OWNER) + 1 + cell_len(owner) > left_width and not beside
    if alone or max(width_of(line) for line in config) > right_width:
        return [*figures_of(domain, now, width, alone=True), *configurations(domain, width, _ALONE)]
    lines: list[Line] = []
    for start, end in itertools.zip_longest(figures, config, fillvalue=()):
        gap: Piece = (" " * (left_width - width_of(start)) + " │ ", "dim")
        lines.append((*start, gap, *end))
    return lines


def low_bars(domain: Domain, now: datetime, width: int) -> list[Line]:
    """The bars where there is little room: three lines; the rest stands among the settings."""
    session = "warn" if domain.unprotected_s(now) is not None else "bold"
    owner = UNKNOWN if domain.owner is Owner.UNKNOWN else str(domain.owner).upper()
    mode: Line = (("Mode  ", "dim"), (domain.mode_label, session))
    first = spread(mode, (("Owner ", "dim"), (owner, "bold")), width)
    figures: list[Piece] = [("VMs ", "dim"), (recovered_text(domain), "bold")]
    if domain.mode in AFTER_FAILOVER and not domain.observed_only:
        figures += [("   RPO ", "dim"), (age(domain.rpo_s(now)), "bold")]
        figures += [("   Remaining ", "dim"), (show_bytes(domain.remaining_bytes), "bold")]
        last: Line = (("Replication  ", "dim"), (replication_text(domain), session))
    else:
        data = f"{show_bytes(domain.processed_bytes)} / {show_bytes(domain.remaining_bytes)}"
        figures += [("   Data ", "dim"), (data, "bold")]
        last = (("Step  ", "dim"), *step_text(domain, width - 6, left))
    return [first, fit(tuple(figures), width), fit(last, width)]


def estimate_lines(domain: Domain, now: datetime, width: int) -> list[Line]:
    """The estimate of the end of what is under way, and from what; none where there is none."""
    if domain.estimate is None:
        return []
    return [((f"  {part}", "said"),) for part in wrap(domain.estimate.says(now), width - 2)]


def operation_lines(
    operations: Sequence[OperationView],
    width: int,
    remapped: Mapping[str, str] | None = None,
    session: Session | None = None,
) -> list[Line]:
    """The open operations of a domain, by whom, and what they wait for; nothing of that is cut. An open
    session names its next acts with their keys, as `remapped`: after a rollback the exit first."""
    run, leave = shown_key("pitr_run", remapped), shown_key("more", remapped)
    lines: list[Line] = []
    for operation in operations:
        waits = clean(operation.waits_for) or "at work"
        if waits == SESSION_OPEN:
            waits = f"next: {run} Run PITR, then {leave} Exit PITR Session"
            if session is not None and session.rolled_back_to is not None:
                waits = f"next: {leave} Exit PITR Session, or {run} Run PITR again"
        if operation.question is not None:
            waits = f"waiting for {waits}"
        style = "warn" if operation.unknown else "accent"
        if operation.unknown:
            waits = "result unknown; " + waits
        head: Line = (
            ("▶ ", "accent"),
            (describe(operation), "bold"),
            (f" by {clean(operation.asked_by)} at {second(operation.asked_at)}: ", "dim"),
        )
        if width_of(head) + cell_len(waits) <= width:
            lines.append((*head, (waits, style)))
        else:
            lines.append(fit(head, width))
            lines += [((f"  {part}", style),) for part in wrap(waits, width - 2)]
    return lines
