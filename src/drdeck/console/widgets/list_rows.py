"""The rows of the lists: domains, VMs, restore points, tasks. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from drdeck.console.format import (
    UNKNOWN,
    Line,
    age,
    cut,
    hour,
    left,
    local,
    marked,
    name,
    percent,
    right,
    second,
    stamp,
    wrap,
    wrap_some,
)
from drdeck.console.state import describe
from drdeck.controller.journal.operations import OperationView
from drdeck.model.alarms import Severity, counted
from drdeck.model.domains import VM_STATUS_LABELS, Domain, Health, Mode, Vm
from drdeck.model.facts.trial_facts import TrialState
from drdeck.model.life.trial_words import trial_says
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.text import clean, show_bytes

MODE_STYLES = {
    Mode.PITR_SESSION: "warn",
    Mode.SYNCHRONISED: "ok",
    Mode.RUNNING_IN_FAILOVER: "ok",
    Mode.COMPLETING: "accent",
    Mode.REHYDRATING: "accent",
    Mode.RELEASING: "accent",
}
_STATUS_SIGNS = {
    "recoverable": ("●", "ok"),
    "recovered": ("●", "ok"),
    "protected": ("●", "ok"),
    "rehydrating": ("◆", "accent"),
    "recovering": ("◆", "accent"),
    "rolling_back": ("◆", "accent"),
    "not_recoverable": ("○", "dim"),
}


NARROW = 66
"""Below so many cells, as beside an open domain, the lists keep their most telling columns only."""


BARE = 50
"""Below so many cells a VM's row leaves out whether it is ready, which its status says too."""


WITH_LOCAL = 93
"""From so many cells restore points have their local time beside that in UTC."""


DATA_STEP = "Recover VMs' data from Storage Site"
"""The step in which the data is brought: its share is that of the rehydration."""
STATE = 19
"""Cells of a domain's short state: "PITR session 7h27", "Completing 12/15"."""


def state_text(domain: Domain, now: datetime) -> str:
    """A domain's mode in a few words; its own screen has the vendor's."""
    if domain.broken:
        return "record unusable"
    if domain.trial is not None and domain.mode is not Mode.COMPLETING:
        left_over = domain.trial.state is TrialState.LEFT_OVER
        clock = trial_says(domain.trial, now).partition(", ")[0]
        return "TEST left over" if left_over else f"TEST {clock}"[:STATE]
    step = domain.step
    match domain.mode:
        case Mode.REHYDRATING:
            word = "Rehydrating again" if domain.again else "Rehydrating"
            if step is None or domain.again or (step.progress is None and step.label != DATA_STEP):
                return word
            if step.label != DATA_STEP:  # whose share says nothing of the data, and begins anew at each step
                return f"{word} {step.number}/{step.of}"
            return word if step.progress is None else f"{word} {percent(step.progress)}"
        case Mode.COMPLETING:
            return "Completing" if step is None else f"Completing {step.number}/{step.of}"
        case Mode.PITR_SESSION:
            length = domain.unprotected_s(now)
            return "PITR session" if length is None else f"PITR session {age(length)}"
        case Mode.RUNNING_IN_FAILOVER if domain.undoing is not None:
            return "Undoing Failover"
        case Mode.RUNNING_IN_FAILOVER if domain.way_back.returning is not None:
            return "Failing back"
        case Mode.RUNNING_IN_FAILOVER if domain.way_back.restored_at is not None:
            return "Not protected"
        case mode:
            return _SHORT_STATES.get(mode, domain.mode_label)


_SHORT_STATES = {
    Mode.PROTECTED: "Protected",
    Mode.IMPORTED: "Imported",
    Mode.SYNCHRONISED: "In sync",
    Mode.RUNNING_IN_FAILOVER: "Running in Failover",
    Mode.RELEASING: "Waits for replicas",
}


def health_text(domain: Domain) -> tuple[str, str]:
    """The VMs' check in a word, and its style; the failing ones first."""
    health = domain.checked
    if health.failed:
        return f"{health.failed} FAILED", "bad"
    return (f"{health.ok} ok", "ok") if health.ok else (UNKNOWN, "")


def last_good_text(domain: Domain, now: datetime) -> str:
    """The last point before abnormal writing; with its date where that is another day."""
    good = domain.last_good
    if good is None:
        return "none" if domain.abnormal_since is not None else UNKNOWN
    return second(good) if good.date() == now.date() else f"{stamp(good)[5:13]}h"


def short_counts(counts: str) -> str:
    """ "12/15" in seven cells; where that has no room the total, or how many lack: "10000", "-17"."""
    if len(counts) <= 7:
        return counts
    ready, _, total = counts.partition("/")
    return total if ready == total else f"-{int(total) - int(ready)}"


def alarm_sign(domain: Domain) -> tuple[str, str]:
    """The sign of the gravest alarm, and its style."""
    if any(a.severity is Severity.CRITICAL for a in domain.alarms):
        return "!", "bad"
    if any(a.severity is Severity.WARNING for a in domain.alarms):
        return "!", "warn"
    return " ", ""


UNHEALTHY = "Unhealthy"
"""The status of a VM whose check fails, whatever else is right with it."""


def vm_status(vm: Vm) -> tuple[str, str, str]:
    """A VM's status with its sign and style: never a good one where its check fails."""
    if vm.health is Health.FAILED:
        return "✗", UNHEALTHY, "bad"
    sign, style = _STATUS_SIGNS.get(vm.status, ("·", ""))
    if vm.status == "not_recoverable" and (vm.error or vm.unusable):
        style = "bad"  # without an error it waits for its turn, as all do at first
    return sign, VM_STATUS_LABELS.get(vm.status, clean(vm.status)), style


def health_head(vms: Sequence[Vm], width: int) -> tuple[str, str] | None:
    """The health of all VMs, of whom a few are seen: whether the instant was a good one. In as many words as
    fit, the count and its end in any case."""
    health = counted(vm.health for vm in vms)
    count, end, style = (health.failed, "FAILED", "bad") if health.failed else (health.ok, "ok", "ok")
    if not count:
        return None
    texts = (f"Health {count} of {health.total} {end}", f"{count} of {health.total} {end}", f"{count} {end}")
    return next((text for text in texts if len(text) <= width), texts[-1]), style


def vm_header(width: int, vms: Sequence[Vm] = ()) -> Line:
    first, last = _vm_columns(width)
    newest = left("Last point" if width >= WITH_LOCAL else "Point", _point_cells(width))
    middle = "" if width < BARE else "Ready " if width < NARROW else f"Power Ready {newest} "
    text = f"{left('VM Name', first)} {left('Protection Status', 17)} {middle}"
    health = health_head(vms, last)
    if health is not None:
        return ((text, "head"), (left(health[0], last), health[1]))
    return ((text + left("Details", last), "head"),)


def _point_cells(width: int) -> int:
    """The width of the column "Last point"."""
    return 12 if width >= WITH_LOCAL else 6


def _vm_columns(width: int) -> tuple[int, int]:
    free = max(20, width - (19 if width < BARE else 25 if width < NARROW else 32 + _point_cells(width)))
    first = max(14, min(40, free * 3 // 5 if width < NARROW else free * 3 // 7))
    return first, max(0, free - first)


def vm_details(vm: Vm, to_the_minute: bool = False) -> tuple[str, str]:
    """The remarks on a VM, the most telling first, and their style."""
    if vm.error:
        return clean(vm.error), "bad"
    remarks: list[str] = []
    if vm.health is Health.FAILED:
        remarks.append("check failed")
    if vm.rolled_back_to is not None:
        remarks.append(f"as of {(hour if to_the_minute else second)(vm.rolled_back_to)}")
    if vm.health is Health.OK:
        remarks.append("healthy")
    if vm.progress is not None:
        remarks.append(percent(vm.progress))
    if vm.detail:
        remarks.append(clean(vm.detail))
    if vm.not_covered:
        remarks.append(clean(f"no rollback of {'; '.join(vm.not_covered)}"))
    return ", ".join(remarks), "bad" if vm.health is Health.FAILED else ""


def vm_row(vm: Vm, width: int, now: datetime) -> Line:
    """One VM of a domain. Ages are told to the minute: with seconds every row would change with all news."""
    first, last = _vm_columns(width)
    sign, status, style = vm_status(vm)
    ready = UNKNOWN if vm.ready is None else "yes" if vm.ready else "no"
    old = None if vm.newest_point is None else (now - vm.newest_point).total_seconds()
    newest = "<1m" if old is not None and old < 60 else age(old)
    text, text_style = vm_details(vm, to_the_minute=last < 24)
    power = "-" if vm.power == "unknown" else clean(vm.power)
    figures = f" {left(power, 5)} {ready:5} {right(newest, _point_cells(width))} "
    return (
        (name(vm.name, first), "bold"),
        (f" {sign} ", style),
        (left(status, 15), style),
        (" " if width < BARE else f" {ready:5} " if width < NARROW else figures, ""),
        (left(text, last), text_style),
    )


def _progress_name(width: int) -> int:
    return max(14, min(34, (width - 42) // 2))


def progress_header(width: int, vms: Sequence[Vm]) -> Line:
    first = _progress_name(width)
    text = f"    {left('VM Name', first)} {left('Protection Status', 17)} {'Done':>5} Ready Health  "
    failed = sum(vm.health is Health.FAILED for vm in vms)
    checked = sum(vm.health is not Health.UNKNOWN for vm in vms)
    if failed:
        return ((text, "head"), (f"{failed} of {len(vms)} FAILED", "bad"))
    if checked:
        return ((text, "head"), (f"{checked} of {len(vms)} ok", "ok"))
    return ((text + "Details", "head"),)


def progress_row(vm: Vm, width: int, ticked: bool) -> Line:
    """A VM in the choice of what is rolled back, with how far it is."""
    first = _progress_name(width)
    sign, status, style = vm_status(vm)
    ready = UNKNOWN if vm.ready is None else "yes" if vm.ready else "no"
    health = {Health.OK: ("ok", "ok"), Health.FAILED: ("FAILED", "bad")}.get(vm.health, (UNKNOWN, ""))
    text = clean(vm.error) if vm.error else clean(vm.detail)
    return (
        (f"[{'x' if ticked else ' '}] ", "bold" if ticked else ""),
        (name(vm.name, first), "bold"),
        (f" {sign} ", style),
        (left(status, 15), style),
        (f" {percent(vm.progress):>5} {ready:5} ", ""),
        (f"{health[0]:7} ", health[1]),
        (cut(text, max(0, width - first - 43)), "bad" if vm.error else ""),
    )


HINT = "write rate "
"""How hints begin. The rows leave it out: "x30 from 22:41Z" is what there is room for at 80 columns."""


def point_header(width: int, at_vcenter: bool) -> Line:
    """The heading of restore points: on a vCenter their times are those at which they were made."""
    time = "Point made at (UTC)" if at_vcenter else "Time (UTC)"  # the data in it is older by its transfer
    if width < NARROW:
        return ((f"{time:20} {'Age':>5} {'VMs':>5} Write rate", "head"),)
    wide = f" {'Local time':14}" if width >= WITH_LOCAL else ""
    text = f"{time:20}{wide} {'Age':>5} {'Kind':7} {'VMs':>7} {'Skew':>5} {'Written':>8} Write rate"
    return ((text, "head"),)


LAST_GOOD = "★ last before abnormal writing"
LAST_GOOD_SHORT = "★ last good"


def point_row(point: RestorePoint, width: int, now: datetime, total: int, good: bool = False) -> Line:
    """One restore point that may be picked; `good`: the last one before abnormal writing."""
    wide = f" {left(local(point.time), 14)}" if width >= WITH_LOCAL else ""
    lacking = bool(point.missing) or point.vms < total
    vms = f"{point.vms}/{total}"
    if width < NARROW:
        return _short_point(point, width, now, vms if lacking else str(total), good)
    skew = age(point.skew_s) if point.skew_s else "0s"
    figures = f" {age((now - point.time).total_seconds()):>5} {left(clean(point.kind), 7)}"
    room = max(0, width - (20 + len(wide) + len(figures) + 8 + 6 + 9 + 1))
    hint = clean(point.hint).removeprefix(HINT) if point.hint else ""
    lacks = "lacks " + ", ".join(map(clean, point.missing)) if point.missing else ""
    if hint and cell_len(hint) > room:
        hint = hint.partition(" (")[0]  # whose writing it is gives way to since when
    if cell_len(hint) > room:
        hint = hint.replace(" from ", " ", 1)
    changed = clean(point.changed) if point.changed else ""
    if cell_len(changed) > room:
        changed = "changed"  # by whom, and what: below the list, and among the alarms
    fits = cell_len(LAST_GOOD) <= room
    star = (LAST_GOOD if fits else LAST_GOOD_SHORT) if good else ""
    hint = "; ".join(text for text in (changed, star, hint, lacks) if text)
    hint_style = "ok" if good and not changed and not lacks else "warn"
    return (
        (stamp(point.time) + wide, "bold"),
        (figures, ""),
        (f" {vms:>7}", "warn" if lacking else ""),
        (f" {skew:>5}", "warn" if point.skew_s > 60 else ""),
        (f" {right(show_bytes(point.written_bytes), 8)} ", ""),
        (cut(hint, room), hint_style),
    )


def _short_point(point: RestorePoint, width: int, now: datetime, vms: str, good: bool) -> Line:
    """A point where there is little room: what speaks against it stays, and all of it stands below the list
    or in the help."""
    sick = clean(point.hint).removeprefix(HINT).partition(" (")[0] if point.hint else ""
    lacks = "lacks " + ", ".join(map(clean, point.missing)) if point.missing else ""
    skewed = f"skew {age(point.skew_s)}" if point.skew_s > 60 else ""
    kind = clean(point.kind) if point.kind != "group" else ""
    changed = "changed" if point.changed else ""
    star = LAST_GOOD_SHORT if good else ""
    texts = [text for text in (changed, star, sick, lacks, skewed, kind) if text]
    style = "warn" if changed or sick or lacks or skewed else "ok" if good else ""
    return (
        (f"{stamp(point.time)} ", "bold"),
        (f"{age((now - point.time).total_seconds()):>5} ", ""),
        (f"{vms:>5} ", "warn" if "/" in vms else ""),
        (cut("; ".join(texts), max(0, width - 33)), style),
    )


def disturbed_lines(points: Points, width: int, most: int = 0) -> list[Line]:
    """Points that others made or changed in a session, newest first; with `most` in so many lines."""
    changes = [(d.time, f"of {clean(d.vm)} cannot be picked: {clean(d.text)}") for d in points.disturbed]
    changes += [(p.time, clean(p.changed)) for p in points.points if p.changed]
    texts = [f"{stamp(time)} {text}" for time, text in sorted(changes, reverse=True)]
    if most and len(texts) > 1:
        texts = [f"{len(texts)} points made or changed by others (all of them: PITR). {texts[0]}"]
    parts = [wrap_some(text, width, most) if most else wrap(text, width) for text in texts]
    return [line for part in parts for line in marked("!", part, "warn")]


def task_header(width: int) -> Line:
    result, by = _task_columns(width)
    if width < NARROW:
        return ((f"{'Requested':12} {left('Task', 18)} {left('Domain', 10)} {left('Result', 14)}", "head"),)
    text = f"{'Requested (UTC)':15} {left('Task', 26)} {left('Domain', 14)} {left('Result', result)}"
    return ((f"{text} By" if by else text, "head"),)


def _task_columns(width: int) -> tuple[int, int]:
    """Cells of a task's result and of who requested it; none of the latter where there is no room."""
    free = max(16, width - 58)
    by = min(20, free - 24) if free >= 36 else 0
    return free - by - bool(by), by


def result_text(operation: OperationView) -> tuple[str, str]:
    """The result of an operation in a few words, the worst first, else its state; and the style."""
    state = "unknown" if operation.unknown else str(operation.state)
    style = {"done": "ok", "failed": "bad", "asking": "alert", "unknown": "bad"}.get(state, "accent")
    result = operation.result
    if state != "done":
        return (f"{state}: {clean(operation.error)}" if operation.error else state), style
    words = []
    failing, healthy = (result.get(key, "0") for key in ("vms_failing", "vms_healthy"))
    if failing not in ("", "0"):
        words, style = [f"{failing} FAIL"], "bad"
    if result.get("reset_up_to"):
        words.append("points reset")
    elif result.get("rolled_back_to"):
        words.append(f"to {instant_of(result['rolled_back_to'])}")
    if failing in ("", "0") and healthy not in ("", "0"):
        words.append(f"{healthy} ok")
    return ", ".join(words) or state, style


def instant_of(text: str) -> str:
    """The time of day of a result's instant; what is no instant as it is."""
    try:
        return second(datetime.fromisoformat(text))
    except ValueError:
        return clean(text)


def task_row(operation: OperationView, width: int) -> Line:
    """One operation of the Task Log."""
    room, by = _task_columns(width)
    text, style = result_text(operation)
    if width < NARROW:
        return (
            (f"{stamp(operation.asked_at)[5:16]}Z", ""),
            (f" {left(describe(operation), 18)} ", "bold"),
            (f"{name(operation.domain, 10)} ", ""),
            (left(text, max(0, width - 43)), style),
        )
    return (
        (stamp(operation.asked_at)[5:], ""),
        (f" {left(describe(operation), 26)} ", "bold"),
        (f"{name(operation.domain, 14)} ", ""),
        (left(text, room), style),
        (f" {cut(clean(operation.asked_by), by)}" if by else "", "dim"),
    )


def alarm_lines(domain: Domain, width: int) -> list[Line]:
    """The alarms of a domain, newest first; in full, each with its word of severity."""
    styles = {Severity.CRITICAL: "bad", Severity.WARNING: "warn"}
    lines: list[Line] = []
    for alarm in sorted(domain.alarms, key=lambda a: a.time, reverse=True):
        text = clean(alarm.sentence)
        first, *rest = wrap(text, max(20, width - 31))
        head = (f"{stamp(alarm.time)} ", ""), (f"{alarm.severity.upper():9} ", styles.get(alarm.severity, ""))
        lines.append((*head, (first, "bold")))
        lines += [((" " * 31, ""), (part, "bold")) for part in rest]
    return lines
