"""The rest after a round over all operations or runs."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from drdeck.controller import round_rest


@pytest.mark.parametrize(
    ("cost_s", "least_s", "rest_s"),
    [(0.001, 0.0, 0.0), (0.001, 0.1, 0.1), (0.02, 0.0, 0.06), (0.02, 0.1, 0.1), (0.1, 0.1, 0.3)],
)
async def test_a_round_is_followed_by_a_rest(cost_s: float, least_s: float, rest_s: float) -> None:
    rests: list[float] = []
    clock_s = iter((10.0, 10.0 + cost_s))

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    with (
        patch("drdeck.controller.round_rest.time.thread_time", lambda: next(clock_s)),
        patch.object(asyncio, "sleep", sleep),
    ):
        async with round_rest.rest_in_proportion(least_s):
            pass
    assert sum(rests) == pytest.approx(rest_s)
