"""How long a run would take: waves one after the other, so many domains at a time, as they took before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drdeck.controller.plans.run_estimate import estimate_s, took_before
from drdeck.model.domains import Failover, FailoverType, Mode
from drdeck.model.plans.plan_check import DomainCheck, Possible
from tests.support.plans.plan_build import ago, domain, operation


def going(*waves: str) -> list[DomainCheck]:
    """Domains of one letter, by wave."""
    return [
        DomainCheck(name=n, wave=w, possible=Possible.YES) for w, names in enumerate(waves) for n in names
    ]


@pytest.mark.parametrize(
    ("waves", "at_once", "took", "seconds"),
    [
        (("ab",), 8, {}, None),
        (("ab",), 8, {"a": 60.0, "b": 100.0}, 100.0),
        (("ab",), 1, {"a": 60.0, "b": 100.0}, 160.0),
        (("a", "b"), 8, {"a": 60.0, "b": 100.0}, 160.0),
        (("abc",), 2, {"a": 60.0}, 120.0),
    ],
)
def test_waves_follow_each_other_and_domains_share_the_places(
    waves: Any, at_once: int, took: dict[str, float], seconds: float | None
) -> None:
    assert estimate_s(going(*waves), len(waves), at_once, took) == seconds


def test_the_last_failover_of_a_domain_counts() -> None:
    failover = Failover(id="op-a", type=FailoverType.FORCE, began_at=ago(500), recovered_at=ago(440))
    here = domain("a", Mode.RUNNING_IN_FAILOVER, failover=failover)
    ended = [msgspec.structs.replace(operation(n), result={"rto_s": "90"}) for n in ("a", "b")]
    assert took_before([here, domain("c")], ended) == {"a": 60.0, "b": 90.0}
