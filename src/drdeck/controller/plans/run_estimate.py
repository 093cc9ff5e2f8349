"""Estimate of how long a run takes, from what failovers took at this site before."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Mapping

from drdeck.controller.journal.operations import Operation
from drdeck.model.domains import Domain
from drdeck.model.plans.plan_check import DomainCheck


def took_before(domains: Iterable[Domain], operations: Iterable[Operation]) -> dict[str, float]:
    """Domain -> seconds from the decision of its last failover here until it served again."""
    took = {
        op.domain: float(op.result["rto_s"])
        for op in sorted(operations, key=lambda op: op.asked_at)
        if op.action == "cfo_complete" and "rto_s" in op.result
    }
    for domain in domains:
        failover = domain.failover
        if failover is not None and failover.began_at and failover.recovered_at:
            took[domain.name] = (failover.recovered_at - failover.began_at).total_seconds()
    return took


def estimate_s(
    going: Iterable[DomainCheck], waves: int, at_once: int, took: Mapping[str, float]
) -> float | None:
    """Seconds until all are recovered: waves one after the other, `at_once` domains at a time, each as long
    as it took before, others as long as the median; None where nothing is known."""
    if not took:
        return None
    usual, rows, total = statistics.median(took.values()), list(going), 0.0
    for wave in range(waves):
        free = [0.0] * max(1, at_once)
        for row in (row for row in rows if row.wave == wave):
            heapq.heappush(free, heapq.heappop(free) + took.get(row.name, usual))
        total += max(free)
    return total
