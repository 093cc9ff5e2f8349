"""One simulated VM: where it runs, what it writes, and which incidents are in its data."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from drdeck.model.times import parse_duration
from drdeck.sites.training.scenario.scenario_tables import ScenarioIncident, ScenarioVm
from drdeck.sites.training.units import MICRO, NEVER, seconds, ticks

from .runbook import Boot
from .write_rates import WriteRates


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident of a domain; `end` is when it stops writing more."""

    at: int
    vms: frozenset[str]
    factor: float
    breaks_health: bool
    end: int

    def hits(self, vm: str) -> bool:
        return not self.vms or vm in self.vms


def incident(spec: ScenarioIncident) -> Incident:
    return Incident(
        at=ticks(spec.at),
        vms=frozenset(spec.vms),
        factor=spec.write_factor,
        breaks_health=spec.breaks_health,
        end=NEVER if spec.until is None else ticks(spec.until),
    )


class VmState:
    """A VM from event to event; instants are ticks, amounts micro-bytes."""

    def __init__(self, number: int, spec: ScenarioVm, start: int, incidents: list[Incident]) -> None:
        self.number = number
        self.name = spec.name
        self.network = spec.network
        self.disk = spec.disk_bytes * MICRO
        self.rate = spec.write_bytes_per_s
        self.boot_time = seconds(parse_duration(spec.boot))
        self.writes = WriteRates(start, self.rate)
        self.at_source = False
        """runs at the protected site, whether or not it counts for us"""
        self.boot: Boot | None = None
        """the last try to power it on here"""
        self.tries = 0
        self.failures: dict[int, int] = {}
        """fault number -> how often it has struck"""
        self.off_at = NEVER
        """when its shutdown at the protected site is over"""
        self.stuck_at = NEVER
        """when its shutdown there is given up"""
        self.off_tries = 0
        self.target: int | None = None
        """the point that the rollback under way takes it to"""
        self.rolled_to: int | None = None
        self._content: tuple[int, int] | None = None
        """(point that it was rolled back to, when) in the session that goes on"""
        self._left_behind = False
        """a rollback has taken it out of the history in which incidents strike"""
        self._incidents = incidents
        self._taints: list[tuple[int, tuple[int, ...]]] = []
        """(instant, numbers of the incidents in data later than it)"""

    # -- data

    def taint(self, at: int) -> tuple[int, ...]:
        """The incidents in its data of an instant; data of the very instant of one is still good."""
        for since, incidents in reversed(self._taints):
            if since < at:
                return incidents
        return ()

    def _now(self) -> tuple[int, ...]:
        return self._taints[-1][1] if self._taints else ()

    def _taint(self, at: int, incidents: tuple[int, ...]) -> None:
        if incidents != self._now():
            self._taints.append((at, incidents))

    def forget(self, before: int) -> None:
        """Let go of what only tells of instants before that."""
        self.writes.forget(before)
        later = bisect_left(self._taints, before, key=lambda taint: taint[0])
        del self._taints[: max(0, later - 1)]

    def strike(self, number: int, at: int) -> None:
        """An incident reaches it, unless a rollback has taken it out of that history."""
        if not self._left_behind:
            self._taint(at, (*self._now(), number))

    def lose_after(self, instant: int, at: int) -> None:
        """Take note that data written after `instant` never left the source."""
        self._taint(at, self.taint(instant))

    def rolled(self, point: int, at: int) -> None:
        """Its disks are those of `point` again."""
        self._taint(at, self.taint(point))
        self._content = (point, at)
        self._left_behind = True
        self.rolled_to = point
        self.target = None

    def undone(self, instant: int, at: int) -> None:
        """Give up what it wrote here since `instant`; it is off."""
        self._taint(at, self.taint(instant))
        self._content, self._left_behind = None, False
        self.boot = self.rolled_to = self.target = None

    def returned(self) -> None:
        """Its data is at the protected site now; it is off here."""
        self._content, self._left_behind = None, False
        self.boot = self.rolled_to = self.target = None

    def reading(self, point: int, at: int) -> int:
        """Micro-bytes to read in order to go back to `point`: blocks that differ, the disk at most."""
        if self._content is None:
            changed = self.writes.between(point, at)
        else:
            base, since = self._content
            changed = abs(self.writes.between(point, base)) + self.writes.between(since, at)
        return min(self.disk, max(0, changed))

    def settle(self) -> None:
        """The session is over: what its disks hold now is its history."""
        self._content = None

    def broken(self, at: int) -> bool:
        """Its health check fails on the data that it has."""
        return any(self._incidents[number].breaks_health for number in self.taint(at))

    # -- running

    def run(self, at: int, running: bool) -> None:
        """From `at` on it writes what it writes while it runs, or nothing."""
        rate = float(self.rate)
        for number in self._now():
            incident = self._incidents[number]
            if at < incident.end:
                rate *= incident.factor
        self.writes.set(at, round(rate) if running else 0)

    def runs_here(self, at: int) -> bool:
        return self.boot is not None and self.boot.on(at)
