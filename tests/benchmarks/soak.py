"""Random operators at a training site for some minutes: does the controller grow?

    python -m tests.benchmarks.soak [--minutes 2] [--speed 60] [--operators 6] [--seed 1]

Two minutes at speed 60 are two hours of the site's time. Prints the memory of the controller's process
after the first tenth and at the end, what an operation adds to it and to the journal, and its
descriptors; ends with 1 when memory or descriptors have grown.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.journal.event_store import Journal
from drdeck.controller.process.paths import Paths, paths_for
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from tests.support import ROOT

SCENARIO = "ransomware"
GROWTH = 1.10
"""memory at the end may be so much of that after the first tenth"""


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def next_request(domain: Domain, networks: dict[str, str], dice: random.Random) -> Request:
    """What an operator may ask in that moment; now and then something that makes no sense."""
    name, session = domain.name, domain.session
    if dice.random() < 0.1:
        return Request(action=dice.choice(["cfo_start", "pitr_exit", "pitr_start"]), domain=name)
    if domain.mode is Mode.IMPORTED:
        return Request(action="cfo_start", domain=name, networks=networks)
    if domain.mode is Mode.SYNCHRONISED:
        kind = dice.choice(list(FailoverType))
        return Request(
            action="cfo_complete", domain=name, type=kind, run_pitr=True, confirm=name, networks=networks
        )
    if session is not None and session.state is SessionState.ACTIVE and session.started_at is not None:
        if dice.random() < 0.15:
            return Request(action="pitr_exit", domain=name, confirm=name)
        to = session.started_at - timedelta(seconds=dice.randint(1, 3600))
        return Request(action="pitr_run", domain=name, to=to)
    return Request(action="pitr_start", domain=name)


async def operator(paths: Paths, until: float, dice: random.Random, counts: Counter[str]) -> None:
    """Comes, looks, asks, answers, and goes, again and again."""
    while time.monotonic() < until:
        async with Client(paths.socket, "console") as client:
            client.subscribe()
            for _ in range(dice.randint(1, 12)):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(client.changed(), dice.uniform(0.1, 1))
                if time.monotonic() > until or client.listing is None or not client.listing.domains:
                    continue
                domain = dice.choice(client.listing.domains)
                client.subscribe(domain.name)
                try:
                    for op in client.listing.operations:
                        if op.question is not None and dice.random() < 0.5:
                            await client.answer(op.id, dice.choice(op.question.choices))
                            counts["answered"] += 1
                    if dice.random() < 0.3:
                        await client.points(domain.name)
                    detail = (await client.show(domain.name)).detail.domain
                    networks = {}
                    if detail is not None:
                        networks_there = detail.networks
                        networks = {
                            name: dice.choice(networks_there.recovery) for name in networks_there.protected
                        }
                    await client.submit(next_request(domain, networks, dice))
                    counts["accepted"] += 1
                except ControllerError as refused:
                    counts[f"refused: {refused.code}"] += 1


async def soak(minutes: float, speed: float, operators: int, seed: int) -> int:
    dice, counts = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        words = ["--state", directory, "--speed", str(speed), "--scenario", SCENARIO]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "drdeck", *words, "controller", "serve",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line == b"ready\n", line
        paths = paths_for(f"training-{SCENARIO}", state)
        began = time.monotonic()
        until = began + minutes * 60
        people = [
            asyncio.create_task(operator(paths, until, random.Random(dice.random()), counts))
            for _ in range(operators)
        ]
        course, accepted = [], []
        for _ in range(10):
            await asyncio.sleep(minutes * 6)
            course.append(memory_kb(process.pid))
            accepted.append(counts["accepted"])
        await asyncio.gather(*people)
        await asyncio.sleep(6)  # what was cut off is let go by then
        early, late, open_ = course[0], memory_kb(process.pid), descriptors(process.pid)
        since = counts["accepted"] - accepted[0]
        process.terminate()
        await process.wait()
        journal = Journal(paths.journal, read_only=True)
        wrong, events = journal.verify(), journal.count()
        journal.close()
        size = paths.journal.stat().st_size / 1024
    print(f"{minutes:g} min at speed {speed:g}, {operators} operators: {dict(counts)}, {events} events")
    print(f"memory after the first tenth {early} kB, at the end {late} kB ({late / early - 1:+.1%})")
    print(f"after each tenth, in MB: {' '.join(f'{kb / 1024:.1f}' for kb in course)}")
    if since:
        print(f"for each of {since} operations since: {(late - early) / since:.2f} kB of memory")
    print(f"journal {size:.0f} kB, {size / max(1, counts['accepted']):.1f} for each operation")
    print(f"descriptors at the end {open_}; chain {wrong or 'sound'}")
    return 0 if late <= early * GROWTH and open_ < 30 and not wrong else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--operators", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    return asyncio.run(soak(options.minutes, options.speed, options.operators, options.seed))


if __name__ == "__main__":
    sys.exit(main())
