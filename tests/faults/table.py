"""Faults, each striking in every step of a failover, and what became of that step.

As a program it prints the whole table as Markdown.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.live import ACTS, UNDISTURBED, Asked, Live
from tests.faults.proxy import Proxy, Weather
from tests.support.vcsim import VCenter

SAME = "same end"


class Rig(NamedTuple):
    live: Live
    proxy: Proxy
    vcenter: VCenter


class Fault(NamedTuple):
    """`prepare` is called before a step, `strike` when the step's first act has reached the vCenter."""

    name: str
    strike: Callable[[Rig], Awaitable[None]] | None = None
    prepare: Callable[[Rig], None] | None = None
    repeats: int = 0
    """calls more per act and step that reach the vCenter without anything being done by them"""
    slow_ms: int = 150
    """how long an act takes, so that there is a middle to strike in"""


async def _weather(rig: Rig, weather: Weather, lasts_s: float) -> None:
    await rig.proxy.set(weather)
    await asyncio.sleep(lasts_s)
    await rig.proxy.set(Weather())


def passing(weather: Weather, lasts_s: float) -> Callable[[Rig], Awaitable[None]]:
    return lambda rig: _weather(rig, weather, lasts_s)


async def _half_open(rig: Rig) -> None:
    await rig.proxy.set(Weather(half_open=True))
    await rig.proxy.set(Weather())


async def _reset(rig: Rig) -> None:
    rig.proxy.resets_in = 100


async def _expire(rig: Rig) -> None:
    await asyncio.to_thread(rig.vcenter.expire_sessions)


async def _restart(rig: Rig) -> None:
    await rig.proxy.set(Weather(refuses=True))
    await asyncio.to_thread(rig.vcenter.expire_sessions)
    await asyncio.sleep(2)
    await rig.proxy.set(Weather())


async def _kill(rig: Rig) -> None:
    assert rig.live.process is not None
    os.kill(rig.live.process.pid, signal.SIGKILL)


def _lose(how: str) -> Callable[[Rig], None]:
    def prepare(rig: Rig) -> None:
        for method in ("SetField", *ACTS):
            rig.vcenter.rule(method, how, times=1)

    return prepare


FAULTS = (
    Fault("latency 150 ms, jitter 150 ms", passing(Weather(latency_s=0.15, jitter_s=0.15), 3)),
    Fault("60 kB/s", passing(Weather(bytes_per_s=60_000), 3)),
    Fault("hangs for 2 s", passing(Weather(hangs=True), 2)),
    Fault("hangs for 7 s", passing(Weather(hangs=True), 7)),
    Fault("reset in mid-answer", _reset),
    Fault("half-open", _half_open),
    Fault("refused for 3 s", passing(Weather(refuses=True), 3)),
    Fault("answer lost, once per call", prepare=_lose("lose")),
    Fault("request lost, once per call", prepare=_lose("drop"), repeats=1),
    # the simulator forgets a slow task with the session that began it, and says that it was done
    Fault("sessions ended", _expire, slow_ms=0),
    Fault("vCenter restarts", _restart, repeats=1),
    Fault("controller killed in mid-task", _kill),
)
STEPS = ("start", "complete", "roll back", "roll back again", "exit")
DONE_BY = {
    "start": {},
    "complete": {"CreateSnapshot_Task": 1, "PowerOnVM_Task": 1},
    "roll back": {"PowerOffVM_Task": 1, "RevertToSnapshot_Task": 1, "PowerOnVM_Task": 1},
    "roll back again": {"PowerOffVM_Task": 1, "RevertToSnapshot_Task": 1, "PowerOnVM_Task": 1},
    "exit": {"RemoveSnapshot_Task": 1},
}
"""The acts that each step takes, once."""


@contextlib.asynccontextmanager
async def rigged(directory: Path, vcenter: VCenter) -> AsyncIterator[Rig]:
    proxy = Proxy((vcenter.host, vcenter.port))
    await proxy.start()
    url = vcenter.url.replace(str(vcenter.port), str(proxy.port))
    live = Live(directory, vcenter, url, timeout="4s")
    try:
        yield Rig(live, proxy, vcenter)
    finally:
        await live.end()
        await proxy.stop()
        vcenter.clear_rules()


async def row(fault: Fault, directory: Path, vcenter: VCenter) -> list[str]:
    """What became of each step. Raises AssertionError for a wrong end, or an act done twice."""
    async with rigged(directory, vcenter) as rig:
        await rig.live.begin()
        told = []
        for step in STEPS:
            before = vcenter.calls()
            vcenter.clear_rules()
            if fault.prepare is not None:
                fault.prepare(rig)
            for act in ACTS if fault.slow_ms else ():
                vcenter.slow(act, None, fault.slow_ms)
            strike = asyncio.create_task(_strike(fault, rig, step, before))
            try:
                told.append(await _take(rig, step))
            finally:
                await strike
            made = _acts(vcenter, before) - _reverts(vcenter, before)
            least = Counter(DONE_BY[step])
            most = Counter({act: n * (1 + fault.repeats) for act, n in least.items()})
            assert least <= made <= most, f"{step}: {made}\n{rig.live.history()}"
        await rig.live.end()
        truth = rig.live.truth()
        assert truth._replace(acts={}) == UNDISTURBED._replace(acts={})
        assert rig.live.wrong_in_journal() == [] and rig.live.sessions() == 1
        return told


def _acts(vcenter: VCenter, before: Counter[str]) -> Counter[str]:
    made = vcenter.calls() - before
    return Counter({act: made[act] for act in ACTS if made[act]})


def _reverts(vcenter: VCenter, before: Counter[str]) -> Counter[str]:
    """Reverts beyond the first: see above."""
    return Counter({"RevertToSnapshot_Task": max(0, _acts(vcenter, before)["RevertToSnapshot_Task"] - 1)})


async def _strike(fault: Fault, rig: Rig, step: str, before: Counter[str]) -> None:
    if fault.strike is None:
        return
    async with asyncio.timeout(60):
        while DONE_BY[step] and not _acts(rig.vcenter, before):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await fault.strike(rig)


async def _take(rig: Rig, step: str) -> str:
    live = rig.live
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "start": live.start,
        "complete": live.complete,
        "roll back": lambda: live.roll_back(live.points[0]),
        "roll back again": lambda: live.roll_back(live.points[1]),
        "exit": live.leave,
    }
    try:
        await steps[step]()
    except Asked as question:
        return f"asks: {question}"
    return SAME


def markdown(rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    lines = [f"| fault | {' | '.join(STEPS)} |", "|---" * (len(STEPS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(told)} |" for name, told in rows]
    return "\n".join(lines)


async def everything() -> str:
    vcenter = VCenter(boot=0.05)
    rows = []
    try:
        for fault in FAULTS:
            with tempfile.TemporaryDirectory() as directory:
                rows.append((fault.name, await row(fault, Path(directory), vcenter)))
    finally:
        vcenter.stop()
    return markdown(rows)


if __name__ == "__main__":
    print(asyncio.run(everything()))
