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
    right,
    second,
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
_OWNER = "Owner Site    "


def owner_text(domain: Domain) -> str:
    """`REMOTE ( address )` or `LOCAL`, as the vendor writes it."""
    if domain.owner is Owner.LOCAL:
        return "LOCAL"
    if domain.owner is Owner.UNKNOWN:
        return UNKNOWN
    return f"REMOTE ( {clean(domain.owner_address) or 'address unknown'} )"


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

    def row(label: str, value: str, style: str = "bold") -> Line:
        if alone:
            start = max(len(label) + 2, min(labels, width - cell_len(value)))  # before it is cut it moves
            return ((left(label, start), "dim"), (left(value, width - start), style))
        return ((label, "dim"), (right(value, width - len(label)), style))

    after = domain.mode in AFTER_FAILOVER and not domain.observed_only
    labels = 27 if after else _LABEL + 2
    session = "warn" if domain.unprotected_s(now) is not None else "bold"
    lines = [
        row("Mode", domain.mode_label, session),
        row("Recoverable / Total VMs", recovered_text(domain)),
    ]
    if after:
        lines += [
            row("Replication Status", replication_text(domain), session),
            row("Remaining Background Data", show_bytes(domain.remaining_bytes)),
            row("Current RPO", age(domain.rpo_s(now))),
        ]
    else:
        lines += [
            row(
                "Data (Processed/Known Remaining)",
                f"{show_bytes(domain.processed_bytes)} / {show_bytes(domain.remaining_bytes)}",
            ),
            (
                (left("Current Step", _LABEL + 2 if alone else 14), "dim"),
                *(step_text(domain, width - _LABEL - 2, left) if alone else step_text(domain, width - 14)),
            ),
        ]
    return lines


def configurations(domain: Domain, width: int) -> list[Line]:
    """The right side; what is too long for its line, as an owner's address, gets one of its own."""
    owner = owner_text(domain)
    beside = len(_OWNER) + cell_len(owner) <= width
    pitr = pitr_text(domain)
    aligned = beside and len(_OWNER) + cell_len(pitr) <= width
    lines: list[Line] = [
        (("Configurations", "head"),),
        (("Storage Site  ", "dim"), (clean(domain.storage_site) or UNKNOWN, "bold")),
        ((_OWNER, "dim"), (owner if beside else "", "bold")),
        (("PITR          " if aligned else "PITR  ", "dim"), (pitr, "bold")),
    ]
    if len("PITR  ") + cell_len(pitr) > width:
        lines[3:] = [(("PITR", "dim"),), ((f" {pitr}", "bold"),)]
    if not beside:
        lines.insert(3, ((f" {owner}", "bold"),))
    return lines


def bars(domain: Domain, now: datetime, width: int) -> list[Line]:
    """Both sides next to each other where nothing is cut by that, else one below the other."""
    need = (
        _LABEL
        + 1
        + max(len(show_bytes(domain.processed_bytes)) + len(show_bytes(domain.remaining_bytes)) + 3, 16)
    )
    if domain.mode in AFTER_FAILOVER and not domain.observed_only:
        need = max(40, len("Replication Status ") + cell_len(replication_text(domain)))
    left_width = max(need, width * 11 // 20) if width >= 100 else need
    right_width = width - left_width - 3
    config = configurations(domain, right_width)
    if max(width_of(line) for line in config) > right_width:
        return [*figures_of(domain, now, width, alone=True), *configurations(domain, width)]
    figures = figures_of(domain, now, left_width)
    lines: list[Line] = []
    for start, end in itertools.zip_longest(figures, config, fillvalue=()):
        gap: Piece = (" " * (left_width - width_of(start)) + " │ ", "dim")
        lines.append((*start, gap, *end))
    return lines


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
