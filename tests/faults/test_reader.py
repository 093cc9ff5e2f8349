"""A terminal that does not read, in mid-failover: only the console in it stands still.

For DRDECK_STALL_S seconds, 5 unless told; a minute is what an operator may meet.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType
from tests.support.console.terminal import Terminal
from tests.support.faults.live import OTHER, VM, Live
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

pytestmark = pytest.mark.timeout(300)
STALL_S = float(os.environ.get("DRDECK_STALL_S", "5"))
GAP_S = 2.0
LOOKS = 16
"""So many at the least: a busy machine takes longer for each, and must draw as much."""
KEYS = b"\r\x1b"
"""Into a domain and out again: so much to draw that the terminal's buffer is full soon."""
HOLDS = 16_384
"""More bytes than a Linux pseudo-terminal holds before who writes must wait."""


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def other(live: Live) -> Domain | None:
    listing = live.client.listing if live.client else None
    return next((d for d in listing.domains if d.name == OTHER), None) if listing else None


async def seen_after(live: Live, vcenter: VCenter, number: int) -> float:
    """Seconds until another console is told of a snapshot that somebody makes, and takes away again."""
    before = other(live)
    assert before is not None
    most = before.points + 1
    watch = live.stopwatch()
    await asyncio.to_thread(vcenter.make_snapshot, (OTHER, "x1"), f"somebody's {number}")
    await live.until(lambda: (row := other(live)) and row.points == most)
    made_s, watch = watch.seconds(), live.stopwatch()
    await asyncio.to_thread(vcenter.remove_snapshot, (OTHER, "x1"), f"somebody's {number}")
    await live.until(lambda: (row := other(live)) and row.points == most - 1)
    return max(made_s, watch.seconds())


async def test_a_terminal_that_stands_still(
    tmp_path: Path, vcenter: VCenter, terminals: list[Terminal]
) -> None:
    live = Live(tmp_path, vcenter)
    vcenter.add_domain(OTHER)
    vcenter.add_vm(OTHER, "x1")
    try:
        await live.begin()
        await live.start()
        terminal = Terminal(live.deck.argv(), live.deck.env)
        terminals.append(terminal)
        await asyncio.to_thread(terminal.wait_for, "Protected Domains", DOMAIN)
        await live.until(lambda: other(live))
        await live.ask(
            Request(
                action="cfo_complete", domain=DOMAIN, type=FailoverType.FORCE, run_pitr=True, confirm=DOMAIN
            )
        )
        await live.until(lambda: vcenter.power(VM) == "on")

        stalled, gaps, read = time.monotonic(), list[float](), len(terminal.raw)
        while time.monotonic() - stalled < STALL_S or len(gaps) < LOOKS:
            os.write(terminal.fd, KEYS[len(gaps) % 2 :][:1])
            gaps.append(await seen_after(live, vcenter, len(gaps)))
        assert max(gaps) < GAP_S, f"{len(gaps)} looks, the longest took {max(gaps):.2f} s"

        ready = live.stopwatch()
        await asyncio.to_thread(vcenter.set_tools, VM, True)
        await live.until(lambda: live.domain_now and live.domain_now.session)
        started = ready.seconds()
        assert started < GAP_S, f"the session started {started:.2f} s after the last VM was ready"
        await live.until(live.active)
        stood = time.monotonic() - stalled
        await asyncio.to_thread(terminal.wait_for, "PITR session")
        drawn = len(terminal.raw) - read
        assert drawn > HOLDS, f"the console had room for the {drawn} bytes that it drew"
        print(
            f"stood still for {stood:.0f} s before {drawn} bytes: {len(gaps)} looks, the longest took"
            f" {max(gaps):.2f} s; the session came {started:.2f} s after the last VM was ready"
        )
    finally:
        await live.end()
