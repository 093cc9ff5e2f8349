"""Names of snapshots by which backup and replication tools go about their work, and patterns against them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

BACKUP_NAMES = (
    "VEEAM BACKUP TEMPORARY SNAPSHOT", "Restore Point *", "__GX_BACKUP__*", "NBU_*", "NAKIVO*", "COHESITY*",
    "Consolidate Helper*", "_Avamar*", "Rubrik*", "Unitrends*", "VRanger*", "Acronis*", "com.vmware.*",
)  # fmt: skip
"""drdeck never removes one: that would break a running job. Veeam's replicas keep their restore points as
"Restore Point ..."; vSphere leaves "Consolidate Helper" behind where a removal failed."""


def backup_name(pattern: str) -> str | None:
    """The first of the names above that a pattern would match, or None."""
    for known in BACKUP_NAMES:
        example = known.replace("*", " 1")
        if fnmatchcase(example.casefold(), pattern.casefold()) or fnmatchcase(
            pattern.casefold(), known.casefold()
        ):
            return known
    return None


def may_prune(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether the settings let drdeck remove a snapshot of that name that it did not make."""
    if any(fnmatchcase(name.casefold(), known.casefold()) for known in BACKUP_NAMES):
        return False
    return any(fnmatchcase(name, pattern) for pattern in patterns)
