"""Health of VMs, by a check inside each of its data."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from .frozen import Frozen


class Health(StrEnum):
    """Result of a check inside a VM of its data, after it was started."""

    UNKNOWN = "unknown"
    OK = "ok"
    FAILED = "failed"


class HealthCounts(Frozen, frozen=True, kw_only=True):
    """Numbers of VMs whose check says so; `unknown` where nothing has checked."""

    ok: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.ok + self.failed + self.unknown

    @property
    def says(self) -> str:
        """For people, the failing ones first; empty where nothing has checked."""
        if self.failed:
            return f"{self.failed} of {self.total} VMs FAIL their check"
        return f"{self.ok} of {self.total} VMs pass their check" if self.ok else ""


def counted(checks: Iterable[Health]) -> HealthCounts:
    """Numbers of VMs by result."""
    results = list(checks)
    return HealthCounts(
        ok=results.count(Health.OK),
        failed=results.count(Health.FAILED),
        unknown=results.count(Health.UNKNOWN),
    )
