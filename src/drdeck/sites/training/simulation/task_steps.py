"""The task steps of a continuous failover, and how long each takes for given VMs."""

from __future__ import annotations

from drdeck.model.domains import Step, StepState
from drdeck.sites.training.units import SECOND

LABELS = (
    "Prerequisite checks",
    "Prepare for rehydration",
    "Prepare Recovery VM ISOs",
    "Recreate Protected Domain on DRVA",
    "Prepare temporary Recovery VMs",
    "Power on and retrieve Recovery VMs' IPs",
    "Recover VMs' data from Storage Site",
    "Take Protected Domain ownership",
    "Finalize rehydration",
    "Initialize DR Protection Mode",
    "Clean up temporary Recovery VMs",
    "Resume Protected Domain protection",
    "Finalize recovered VMs",
    "Apply DR resumption storage policy",
    "Execute runbook",
)
"""The vendor's words; numbered from 1."""

DATA, OWNERSHIP, RESUME, RUNBOOK = 7, 8, 12, 15

LEASE = 60 * SECOND
"""how long a site that does not answer keeps the ownership, unless it is forced"""

_GIGABYTE = 1_000_000_000 * 1_000_000


def duration(step: int, vms: int, disks: int, lease: bool = False) -> int:
    """Microseconds that a step takes; `disks` in micro-bytes. Steps 7 and 15 follow from the data instead."""
    fixed, per_vm = {
        1: (3, 100_000),
        2: (2, 200_000),
        3: (1, 500_000),
        4: (5, 0),
        5: (2, 500_000),
        6: (20, 250_000),
        8: (3, 0),
        9: (2, 100_000),
        10: (3, 0),
        11: (1, 250_000),
        12: (3, 100_000),
        13: (2, 300_000),
        14: (1, 150_000),
    }[step]
    length = fixed * SECOND + per_vm * vms
    if step == 9:
        # the log that is left is applied to the disks: the more data, the longer
        length += disks * SECOND // (250 * _GIGABYTE)
    if step == OWNERSHIP and lease:
        length += LEASE
    return length


_PENDING = tuple(Step(number=n, of=len(LABELS), label=label) for n, label in enumerate(LABELS, 1))
_DONE = tuple(
    Step(number=n, of=len(LABELS), label=label, state=StepState.DONE, progress=100.0)
    for n, label in enumerate(LABELS, 1)
)


def listed(current: Step | None) -> tuple[Step, ...]:
    """All steps around the current one; all done where there is none."""
    if current is None:
        return _DONE
    return (*_DONE[: current.number - 1], current, *_PENDING[current.number :])


def current(number: int, progress: float | None, detail: str = "", failed: bool = False) -> Step:
    """The step that is going on, or stopped."""
    return Step(
        number=number,
        of=len(LABELS),
        label=LABELS[number - 1],
        state=StepState.FAILED if failed else StepState.CURRENT,
        progress=progress,
        detail=detail,
    )
