"""The kinds of faults of a training site: thrown in by an instructor, or by a scenario at its time."""

from typing import Literal, get_args

FaultKind = Literal[
    "object_store_lost",
    "power_on_fails",
    "shutdown_fails",
    "foreign_snapshot",
    "slow_vm",
    "foreign_disk",
    "late_clone",
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
