"""Alarms of a domain, health of its VMs, findings of the doctor: what an operator should know unasked."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from .frozen import Frozen


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alarm(Frozen, frozen=True, kw_only=True):
    """Something that an operator should know; it goes when its cause goes (the workflow's rule).

    `user`, `address`: who did it and from where, as far as the site tells; user "" is the site itself.
    """

    time: datetime
    severity: Severity
    vm: str | None
    kind: str
    text: str
    user: str | None = None
    address: str = ""
    choices: tuple[str, ...] = ()
    """what may be answered, where the site asks something of a VM"""

    @property
    def sentence(self) -> str:
        """The text, with the VM's name before it where it does not name it."""
        return self.text if self.vm is None or self.vm in self.text else f"{self.vm}: {self.text}"

    def answering(self, domain: str, operation_open: bool) -> str:
        """The command that answers what is asked of the VM, in brackets; empty where nothing is asked.

        `operation_open`: an operation of the domain is open, which the answer can go to.
        """
        if not self.choices or self.vm is None:
            return ""
        if not operation_open:
            return " (answer it in vCenter)"
        import shlex  # every process has alarms, and few have a question among them

        words = [shlex.quote(domain), "|".join(map(shlex.quote, self.choices)), "--vm", shlex.quote(self.vm)]
        return f" (drdeck answer {' '.join(words)})"

    @property
    def before_failover(self) -> bool:
        """True for what is to be read before a failover begins: VMs that are managed here, or no replicas."""
        return self.kind in ("managed", "template")


class Finding(Frozen, frozen=True, kw_only=True):
    """One line of `drdeck doctor`: `level` is ok, warn or fail; `remedy` says what to do."""

    level: str
    subject: str
    text: str
    remedy: str = ""

    @classmethod
    def ok(cls, subject: str, text: str, remedy: str = "") -> "Finding":
        return cls(level="ok", subject=subject, text=text, remedy=remedy)

    @classmethod
    def warn(cls, subject: str, text: str, remedy: str = "") -> "Finding":
        return cls(level="warn", subject=subject, text=text, remedy=remedy)

    @classmethod
    def fail(cls, subject: str, text: str, remedy: str = "") -> "Finding":
        return cls(level="fail", subject=subject, text=text, remedy=remedy)


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
