"""Names of snapshots by which backup and replication tools go about their work, and patterns against them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

BACKUP_NAMES = (
    "VEEAM BACKUP TEMPORARY SNAPSHOT", "Restore Point *", "__GX_BACKUP__*", "NBU_*", "NAKIVO*", "COHESITY*",
    "Consolidate Helper*", "_Avamar*", "Rubrik*", "Unitrends*", "VRanger*", "Acronis*", "com.vmware.*",
)  # fmt: skip
"""drdeck never removes one: that would break a running job. Veeam's replicas keep their restore points as
"Restore Point ..."; vSphere leaves "Consolidate Helper" behind where a removal failed."""


BACKUP_LASTS = timedelta(hours=24)
"""A temporary snapshot that is older was left behind by a backup that broke off."""

_KEPT = ("Restore Point *", "Consolidate Helper*")


def is_temporary(name: str) -> bool:
    """Tell whether a backup tool calls a snapshot so that it makes for a job and removes after it."""
    return any(_alike(name, tools) for tools in BACKUP_NAMES if tools not in _KEPT)


def is_backup_under_way(name: str, created: datetime, now: datetime) -> bool:
    """Tell whether a snapshot is one that a backup tool works with now, and not one left behind by a job that
    broke off: that holds nothing up for ever."""
    return is_temporary(name) and abs(now - created) < BACKUP_LASTS


def backup_name(pattern: str) -> str | None:
    """The first of the names above that a pattern would match, or None."""
    for name in BACKUP_NAMES:
        example = name.replace("*", " 1")
        if _alike(example, pattern) or _alike(pattern, name):
            return name
    return None


def may_prune(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether the settings let drdeck remove a snapshot of that name that it did not make."""
    # patterns first: mostly there are none, and this is asked of all snapshots again and again
    named = any(fnmatchcase(name, pattern) for pattern in patterns)
    return named and not any(_alike(name, tools) for tools in BACKUP_NAMES)


def _alike(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())
