"""Places: so many calls of a kind run at a time at the whole site, whatever the number of domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from drdeck.model.planned import PlannedCall

GIVEN_BACK_S = 5.0
"""A call whose VM asks a person after so long gives its place back: as many VMs that ask as there are places
would hold up every other domain's. Those that the settings answer by themselves are answered by then."""
PLACE_OF = {
    "power_on": "power_on",
    "power_on_there": "power_on",
    "revert": "revert",
    "snapshot": "snapshot",
    "remove": "delete",
    "shutdown_guest": "shutdown",
}
"""Kind of a call -> kind of its place; others need none."""


def gave_back(call: PlannedCall, since: float, now: float, asking: Collection[str]) -> bool:
    """Tell whether a call that began at its second holds no place any more, as its VM waits for a person."""
    return call.vm in asking and now - since >= GIVEN_BACK_S


class CallPlaces:
    """The places of a site. `limits`: kind -> how many; a kind that is not there has no limit."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = dict(limits)

    def used(
        self, under_way: Iterable[tuple[PlannedCall, float]], now: float, asking: Collection[str]
    ) -> Counter[str]:
        """Places in use by calls that began at their second; `asking`: VMs that the site asks about."""
        return Counter(
            PLACE_OF[call.kind]
            for call, since in under_way
            if call.kind in PLACE_OF and not gave_back(call, since, now, asking)
        )

    def has_room(self, call: PlannedCall, used: Counter[str]) -> bool:
        kind = PLACE_OF.get(call.kind)
        return kind is None or used[kind] < self.limits.get(kind, used[kind] + 1)

    def take(self, call: PlannedCall, used: Counter[str]) -> None:
        if call.kind in PLACE_OF:
            used[PLACE_OF[call.kind]] += 1
