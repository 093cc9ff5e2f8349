"""Sharing of the link between this site and its storage."""

from __future__ import annotations

from collections.abc import Sequence

GREEDY = -1
"""a demand that takes whatever there is"""


def share(link: int, demands: Sequence[int]) -> list[int]:
    """Bytes per second for each domain: even shares, and what one does not need goes to the others.

    A demand is bytes per second, or GREEDY. A demand that fits its share is met exactly, so that it
    is not disturbed when others come and go.
    """
    shares = [0] * len(demands)
    finite = sorted((demand, i) for i, demand in enumerate(demands) if demand > 0)
    greedy = [i for i, demand in enumerate(demands) if demand == GREEDY]
    left, count = link, len(finite) + len(greedy)
    for number, (demand, i) in enumerate(finite):
        even = left // (count - number)
        if demand > even:
            for _, j in finite[number:]:
                shares[j] = even
            for j in greedy:
                shares[j] = even
            return shares
        shares[i] = demand
        left -= demand
    for j in greedy:
        shares[j] = left // len(greedy)
    return shares
