"""Rehydration and replication as bytes over bandwidth.

A flow brings the disks of a domain's VMs across one after another, in the order given, and keeps
those that are across up to date from then on: what is written to them goes first, in the order of
time; the rest of the bandwidth goes to the disk that is being brought. So the VMs become
recoverable one by one, and all that are across are consistent at one and the same instant.
"""

from __future__ import annotations

from collections.abc import Sequence

from drdeck.sites.training.units import NEVER, SECOND, ceil_div

from .bandwidth import GREEDY
from .write_rates import WriteRates, together

LAG = 4 * SECOND
"""from a write until the storage site has it"""

STORE = "store"
CUT = "cut"
SESSION = "session"


class DataFlow:
    """State since the last event, and what follows from it at any instant before the next one.

    `origin`: the source's instant that the disks stand for. `sizes`: micro-bytes of the disks, 0
    where they are here already. `carried` was processed before this flow.
    """

    __slots__ = (
        "_applied", "_at", "_copied", "_first", "_floor", "_frozen", "_reasons", "_whole",
        "bandwidth", "behind", "carried", "origin", "seeded", "sizes", "writes",
    )  # fmt: skip

    def __init__(
        self,
        at: int,
        writes: Sequence[WriteRates],
        sizes: Sequence[int],
        origin: int,
        seeded: int,
        carried: int = 0,
    ) -> None:
        self.writes = list(writes)
        self.sizes = list(sizes)
        self.origin = origin
        self.seeded = seeded
        self.carried = carried
        self.bandwidth = 0
        self.behind = False
        self._at = at
        self._applied = 0
        self._copied = 0
        self._reasons: set[str] = set()
        self._frozen = self._floor = origin
        self._first: WriteRates | None = None
        self._whole: WriteRates | None = None

    def touched(self) -> None:
        """A rate of a VM was changed."""
        self._first = self._whole = None

    def lack_since_origin(self) -> None:
        """Begin behind: all disks are here, but nothing that was written since the origin."""
        self.behind, self._applied = True, self._log().upto(self.origin)

    @property
    def across(self) -> bool:
        """All disks are here."""
        return self.seeded == len(self.sizes)

    @property
    def caught_up(self) -> bool:
        return self.across and not self.behind

    def frozen(self, reason: str) -> bool:
        return reason in self._reasons

    def _log(self) -> WriteRates:
        """The writes of all that are across."""
        if self._first is None:
            self._first = together(self.writes[: self.seeded])
        return self._first

    def _all(self) -> WriteRates:
        if self._whole is None:
            self._whole = self._log() if self.across else together(self.writes)
        return self._whole

    def horizon(self, at: int) -> int:
        """The source's instant up to which the storage site has everything."""
        return self._frozen if self._reasons else max(self._floor, at - LAG)

    def source_instant(self, at: int) -> int:
        """The newest instant of the source that counts: what was cut off is not waited for."""
        if CUT in self._reasons or SESSION in self._reasons:
            return self._frozen
        return max(self.origin, at)

    def freeze(self, reason: str, at: int, horizon: int | None = None) -> None:
        """Nothing newer reaches the storage site: it is lost, the source is, or a session is active."""
        if not self._reasons:
            self._frozen = self.horizon(at) if horizon is None else horizon
        self._reasons.add(reason)

    def thaw(self, reason: str, at: int) -> None:
        if reason not in self._reasons:
            return
        before = self._frozen
        self._reasons.discard(reason)
        if not self._reasons:
            self._floor = before
        if not self._reasons and not self.behind:
            self._applied = self._log().upto(before)
            self.behind = self._applied < self._log().upto(self.horizon(at))

    def _moving(self, at: int) -> bool:
        return not self._reasons and at - LAG >= self._floor

    def _needs(self, at: int) -> int:
        """Bytes per second that keep what is across up to date."""
        return self._log().rate(self.horizon(at)) if self._moving(at) else 0

    def demand(self, at: int) -> int:
        """Bytes per second that the link is asked for; for `share`."""
        if STORE in self._reasons:
            return 0
        return self._needs(at) if self.caught_up else GREEDY

    # -- from event to event

    def advance(self, at: int) -> None:
        """Come to `at`, no later than the next event, and see what is caught up there."""
        if self.behind:
            self._applied = self._applied_at(at)
        elif not self.across:
            self._copied = self._copied_at(at)
        self._at = at
        if self.behind and self._applied >= self._log().upto(self.horizon(at)):
            self.behind = False
        while not self.behind and not self.across and self._copied >= self._target(at):
            self.seeded += 1
            self._copied = 0
            self._first = None

    def give(self, bandwidth: int, at: int) -> None:
        """From `at`, to which it has advanced, run at `bandwidth`."""
        self.bandwidth = bandwidth
        if not self.behind and self._needs(at) > bandwidth:
            self.behind = True
            self._applied = self._log().upto(self.horizon(at))

    def next_at(self) -> int:
        """The instant at which the arithmetic of this flow changes by itself."""
        if STORE in self._reasons or (not self._reasons and not self.seeded and self.across):
            return NEVER
        at = self._at
        horizon = self.horizon(at)
        due = NEVER
        if not self._reasons:
            due = self._all().next_change(horizon) + LAG if self._moving(at) else self._floor + LAG
        if self.behind:
            gain = self.bandwidth - self._needs(at)
            if gain > 0:
                due = min(due, at + ceil_div(self._log().upto(horizon) - self._applied, gain))
        elif not self.across:
            growth = self.writes[self.seeded].rate(horizon) if self._moving(at) else 0
            gain = self.bandwidth - self._needs(at) - growth
            if gain > 0:
                due = min(due, at + ceil_div(self._target(at) - self._copied, gain))
        return due

    # -- at any instant

    def _target(self, at: int) -> int:
        """Micro-bytes to bring for the VM whose disk is on its way."""
        writes = self.writes[self.seeded]
        return self.sizes[self.seeded] + writes.between(self.origin, self.horizon(at))

    def _applied_at(self, at: int) -> int:
        upto = self._log().upto(self.horizon(at))
        return min(upto, self._applied + self.bandwidth * (at - self._at)) if self.behind else upto

    def _copied_at(self, at: int) -> int:
        if self.behind or self.across:
            return self._copied
        spare = max(0, self.bandwidth - self._needs(self._at))
        return min(self._target(at), self._copied + spare * (at - self._at))

    def processed(self, at: int) -> int:
        """Micro-bytes brought so far."""
        log = self._log()
        applied = self._applied_at(at) - log.upto(self.origin) if self.seeded else 0
        return self.carried + sum(self.sizes[: self.seeded]) + applied + self._copied_at(at)

    def total_at(self, at: int) -> int:
        """Micro-bytes to bring altogether: disks, and what was written since."""
        return self.carried + sum(self.sizes) + self._all().between(self.origin, self.source_instant(at))

    def applied_time(self, at: int) -> int | None:
        """The instant at which every VM could be had, or None while disks are missing."""
        if not self.across:
            return None
        horizon = self.horizon(at)
        return self._log().when(self._applied_at(at), horizon) if self.behind else horizon

    def lag(self, at: int) -> int | None:
        """Age of the data that is not here yet; None while disks are missing."""
        applied = self.applied_time(at)
        if applied is None:
            return None
        return 0 if self.processed(at) >= self.total_at(at) else self.source_instant(at) - applied

    def reached(self, instant: int, at: int) -> bool:
        """Everything written up to `instant` is across."""
        return self.horizon(at) >= instant and self._applied_at(at) >= self._log().upto(instant)

    def reaches_at(self, instant: int) -> int:
        """The instant at which `reached` becomes true, as things are now; NEVER while it cannot be told."""
        if self._reasons:
            return NEVER
        if not self.behind:
            return instant + LAG
        if self.bandwidth <= 0:
            return NEVER
        short = self._log().upto(instant) - self._applied
        return max(instant + LAG, self._at + ceil_div(max(0, short), self.bandwidth))

    def brought(self, at: int) -> tuple[int, int]:
        """(micro-bytes, of how many) of the disk that is on its way."""
        if self.across:
            return 0, 0
        return self._copied_at(at), self._target(at)


class Transfer:
    """A rollback's reading: so many micro-bytes over whatever bandwidth there is."""

    __slots__ = ("_at", "_done", "bandwidth", "blocked", "parts", "total")

    def __init__(self, at: int, parts: Sequence[tuple[int, int]]) -> None:
        """`parts`: (VM number, micro-bytes), read one after another."""
        self.parts = list(parts)
        self.total = sum(amount for _, amount in parts)
        self.bandwidth = 0
        self.blocked = False
        self._at = at
        self._done = 0

    def demand(self) -> int:
        return 0 if self.blocked or self._done >= self.total else GREEDY

    def advance(self, at: int) -> None:
        self._done = self.done(at)
        self._at = at

    def done(self, at: int) -> int:
        return min(self.total, self._done + self.bandwidth * (at - self._at))

    def next_at(self) -> int:
        if self._done >= self.total:
            return self._at
        if self.bandwidth <= 0:
            return NEVER
        return self._at + ceil_div(self.total - self._done, self.bandwidth)

    def of_vm(self, number: int, at: int) -> tuple[int, int]:
        """(micro-bytes read, of how many) of one VM; (0, 0) when it is not part of it."""
        before = 0
        for vm, amount in self.parts:
            if vm == number:
                return min(amount, max(0, self.done(at) - before)), amount
            before += amount
        return 0, 0
