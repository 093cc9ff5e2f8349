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

from tests.support.faults.lanes import side_by_side, vcenters
from tests.support.faults.live import ACTS, UNDISTURBED, Live, OperatorNeeded
from tests.support.faults.proxy import Proxy, Weather
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

SAME = "same end"
BOOT_S = 0.05


class Rig(NamedTuple):
    live: Live
    proxy: Proxy
    vcenter: VCenter
    impostor: tuple[str, int] = ("", 0)
    """a server with another certificate"""


class Fault(NamedTuple):
    """`prepare` is called before a step, `strike` when the step's first act has reached the vCenter."""

    name: str
    strike: Callable[[Rig], Awaitable[None]] | None = None
    prepare: Callable[[Rig], Awaitable[None]] | None = None
    repeats: int = 0
    """calls more per act and step that reach the vCenter without anything being done by them"""
    slow_ms: int = 150
    """how long an act takes, so that there is a middle to strike in"""


def from_then_on(weather: Weather) -> Callable[[Rig], Awaitable[None]]:
    """It lasts until the step is over."""
    return lambda rig: rig.proxy.set(weather)


async def until_said(rig: Rig, weather: Weather) -> None:
    """It lasts until drdeck says that the site is out of sight."""
    await rig.proxy.set(weather)
    await eventually(lambda: rig.live.error)
    await rig.proxy.set(Weather())


async def _hangs_a_moment(rig: Rig) -> None:
    await rig.proxy.set(Weather(hangs=True))
    await asyncio.wait_for(rig.proxy.held_back.wait(), 60)
    await rig.proxy.set(Weather())


async def _hangs(rig: Rig) -> None:
    await until_said(rig, Weather(hangs=True))


async def _refused(rig: Rig) -> None:
    await until_said(rig, Weather(refuses=True))


async def _garbled(rig: Rig) -> None:
    await until_said(rig, Weather(garbles=True))


async def _other_certificate(rig: Rig) -> None:
    await until_said(rig, Weather(impostor=rig.impostor))


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
    await until_said(rig, Weather(refuses=True))


async def _kill(rig: Rig) -> None:
    assert rig.live.process is not None
    os.kill(rig.live.process.pid, signal.SIGKILL)


def _lose(how: str) -> Callable[[Rig], Awaitable[None]]:
    async def prepare(rig: Rig) -> None:
        for method in ("SetField", *ACTS):
            rig.vcenter.rule(method, how, times=1)

    return prepare


FAULTS = (
    Fault("latency 30 ms, jitter 70 ms", from_then_on(Weather(latency_s=0.03, jitter_s=0.07))),
    Fault("60 kB/s", from_then_on(Weather(bytes_per_s=60_000))),
    Fault("hangs for a moment", _hangs_a_moment),
    Fault("hangs until it is said", _hangs),
    Fault("reset in mid-answer", _reset),
    Fault("half-open", _half_open),
    Fault("refused until it is said", _refused),
    Fault("TLS broken until it is said", _garbled),
    Fault("another certificate until it is said", _other_certificate),
    Fault("answer lost, once per call", prepare=_lose("lose")),
    Fault("request lost, once per call", prepare=_lose("drop"), repeats=1),
    Fault("sessions ended", _expire),
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
async def rigged(
    directory: Path, vcenter: VCenter, impostor: tuple[str, int] = ("", 0)
) -> AsyncIterator[Rig]:
    proxy = Proxy((vcenter.host, vcenter.port))
    await proxy.start()
    url = vcenter.url.replace(str(vcenter.port), str(proxy.port))
    live = Live(directory, vcenter, url, timeout="4s")
    try:
        yield Rig(live, proxy, vcenter, impostor)
    finally:
        await live.end()
        await proxy.stop()
        vcenter.clear_rules()


async def row(fault: Fault, directory: Path, vcenter: VCenter, impostor: tuple[str, int]) -> list[str]:
    """What became of each step. Raises AssertionError for a wrong end, or an act done twice."""
    async with rigged(directory, vcenter, impostor) as rig:
        await rig.live.begin()
        outcomes = []
        for step in STEPS:
            before = vcenter.calls()
            vcenter.clear_rules()
            if fault.prepare is not None:
                await fault.prepare(rig)
            for act in ACTS if fault.slow_ms else ():
                vcenter.slow(act, None, fault.slow_ms)
            strike = asyncio.create_task(_strike(fault, rig, step, before))
            try:
                outcomes.append(await _take(rig, step))
            finally:
                await strike
            await rig.proxy.set(Weather())
            acts = _acts(vcenter, before)
            least = Counter(DONE_BY[step])
            most = Counter({act: n * (1 + fault.repeats) for act, n in least.items()})
            assert least <= acts <= most, f"{step}: {acts}\n{rig.live.history()}"
        await rig.live.end()
        truth = rig.live.truth()
        assert truth._replace(acts={}) == UNDISTURBED._replace(acts={})
        assert rig.live.wrong_in_journal() == [] and rig.live.sessions() == 1
        return outcomes


def _acts(vcenter: VCenter, before: Counter[str]) -> Counter[str]:
    calls = vcenter.calls() - before
    return Counter({act: calls[act] for act in ACTS if calls[act]})


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
    except OperatorNeeded as question:
        return f"asks: {question}"
    return SAME


def markdown(rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    lines = [f"| fault | {' | '.join(STEPS)} |", "|---" * (len(STEPS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(journal_texts)} |" for name, journal_texts in rows]
    return "\n".join(lines)


async def rows(faults: Sequence[Fault], directory: Path, lanes: int) -> list[tuple[str, list[str]]]:
    """The rows of some faults, several side by side. Raises ExceptionGroup when any is not as promised."""
    outcomes: dict[str, list[str]] = {}
    async with vcenters(1, BOOT_S) as (other,):

        async def on_vcenter(fault: Fault, vcenter: VCenter) -> None:
            place = directory / str(faults.index(fault))
            place.mkdir()
            outcomes[fault.name] = await row(fault, place, vcenter, (other.host, other.port))

        await side_by_side(on_vcenter, faults, lanes, BOOT_S)
        assert not other.calls(), "nothing was said to a server with another certificate"
    return [(fault.name, outcomes[fault.name]) for fault in faults]


async def everything() -> str:
    with tempfile.TemporaryDirectory() as directory:
        return markdown(await rows(FAULTS, Path(directory), 4))


if __name__ == "__main__":
    print(asyncio.run(everything()))
