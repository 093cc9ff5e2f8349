"""Powering VMs on as the runbook says: group after group, with its delays, until each is ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drdeck.model.text import fits
from drdeck.model.times import parse_duration
from drdeck.sites.training.scenario.scenario_tables import ScenarioDomain
from drdeck.sites.training.units import NEVER, SECOND, seconds

FAILS_AFTER = 5 * SECOND
"""from a power-on until it is known to have failed"""


@dataclass(slots=True)
class Boot:
    """One try to power a VM on. `ready_at` NEVER: it fails, which shows at `fails_at`."""

    on_at: int
    ready_at: int
    attempt: int = 1
    fails_at: int = NEVER
    skipped: bool = False

    @property
    def settled_at(self) -> int:
        return self.on_at if self.skipped else self.ready_at

    def failing(self, at: int) -> bool:
        return not self.skipped and self.fails_at <= at

    def on(self, at: int) -> bool:
        return not self.skipped and self.fails_at == NEVER and at >= self.on_at

    def ready(self, at: int) -> bool:
        return not self.skipped and at >= self.ready_at


@dataclass(frozen=True, slots=True)
class BootGroup:
    """Numbers of the VMs that start together."""

    name: str
    vms: tuple[int, ...]
    delay_after: int


PowerOn = Callable[[int, int], Boot]
"""(VM number, instant) -> the try"""


def boot_groups(spec: ScenarioDomain) -> list[BootGroup]:
    """The runbook with VM numbers; VMs that no group names start last, together."""
    groups: list[BootGroup] = []
    taken: set[int] = set()
    for group in spec.runbook:
        matches = tuple(
            number for pattern in group.vms for number, vm in enumerate(spec.vms) if fits(vm.name, pattern)
        )
        numbers = tuple(dict.fromkeys(number for number in matches if number not in taken))
        taken.update(numbers)
        groups.append(BootGroup(group.group, numbers, seconds(parse_duration(group.delay_after))))
    rest = tuple(number for number in range(len(spec.vms)) if number not in taken)
    if rest:
        groups.append(BootGroup("other VMs" if groups else "all VMs", rest, 0))
    return groups


class RunbookRun:
    """One run of the runbook, from event to event."""

    def __init__(self, at: int, groups: Sequence[BootGroup], power_on: PowerOn) -> None:
        self.groups = [group for group in groups if group.vms]
        self.boots: dict[int, Boot] = {}
        self.number = 0
        """of the group that is starting"""
        self._power_on = power_on
        self._opens = at
        self._opened = False

    @property
    def done(self) -> bool:
        return self.number >= len(self.groups)

    @property
    def group(self) -> BootGroup | None:
        return None if self.done else self.groups[self.number]

    def next_at(self) -> int:
        """Time of the next group's start, or of the last VM's being ready; NEVER while one failed."""
        group = self.group
        if group is None:
            return NEVER
        if not self._opened:
            return self._opens
        return max(self.boots[vm].settled_at for vm in group.vms)

    def step(self, at: int) -> None:
        """Do what is due at `at`."""
        while self.next_at() <= at:
            group = self.groups[self.number]
            if not self._opened:
                self._opened = True
                for vm in group.vms:
                    self.boots[vm] = self._power_on(vm, at)
            else:
                self._opened = False
                self._opens = at + group.delay_after
                self.number += 1

    def failed(self, at: int) -> int | None:
        """The first VM that did not power on and waits for a word."""
        group = self.group
        if group is None or not self._opened:
            return None
        return next((vm for vm in group.vms if self.boots[vm].failing(at)), None)

    def retry(self, vm: int, at: int) -> None:
        self.boots[vm] = self._power_on(vm, at)

    def skip(self, vm: int, at: int) -> None:
        self.boots[vm] = Boot(at, NEVER, self.boots[vm].attempt, skipped=True)

    def waiting_for(self, at: int) -> int | None:
        """The start of the next group, while a delay runs."""
        return self._opens if not self._opened and not self.done and self._opens > at else None
