"""Waiting for a run, and the exit code that its end has."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from drdeck.cli import exit_codes, output
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc import liveness
from drdeck.controller.ipc.client import Client, Disconnected
from drdeck.controller.ipc.protocol import Listing
from drdeck.model.plans.run_views import RUN_ENDED, BatchOfRun, InRunState, Needs, RunState, RunView
from drdeck.model.text import some


async def until(
    client: Client, ident: str, timeout: float | None, over: Callable[[Listing, RunView], bool]
) -> RunView:
    """The run, once `over` holds of it. Raises Exit(7) when the time is over, Exit(6) with no controller."""
    client.patience_s = liveness.FOLLOWS_S if timeout is None else math.inf
    client.subscribe()
    last = ""
    try:
        async with asyncio.timeout(timeout):
            while True:
                listing = client.listing
                run = None if listing is None else next((r for r in listing.runs if r.run == ident), None)
                if listing is not None and run is not None:
                    if over(listing, run):
                        return run
                    words = progress(run)
                    if words != last:
                        output.remark(words)
                        last = words
                await client.changed()
    except TimeoutError:
        raise Exit(exit_codes.TIMED_OUT, f"{ident} continues; it was not over within {timeout:g} s") from None
    except Disconnected as error:
        text = f"{error}; what became of {ident} is for `drdeck plan status {ident}` to say"
        raise Exit(exit_codes.UNKNOWN, text) from None
    except asyncio.CancelledError:  # Ctrl-C ends the waiting only
        output.remark(f"{ident} continues")
        raise


def progress(run: RunView) -> str:
    """One line on how far a run is."""
    waves = "  ".join(f"{w.name} {w.settled}/{w.of}" for w in run.waves)
    asks = f", {run.needs} need you" if run.needs else ""
    answers = "; THE PROTECTED SITE ANSWERS AGAIN" if run.answering_since else ""
    return f"{run.run} {run.state.words}{asks}: {waves}{answers}"


def settled(listing: Listing, run: RunView) -> bool:
    """Over, or nothing goes on without a person: every domain is settled, or waits for one."""
    if run.state in RUN_ENDED or all(d.settled for d in run.domains):
        return True
    return run.state in (RunState.WAITING, RunState.PAUSED)


def end(run: RunView) -> None:
    """Raises Exit with the code of a run's end, unless all is done."""
    unknown = [d.name for d in run.domains if d.state is InRunState.UNKNOWN]
    if unknown:
        text = f"what became of {some(unknown, 8)} is not known: `drdeck plan status {run.run}`"
        raise Exit(exit_codes.UNKNOWN, text)
    asking = [d.name for d in run.domains if d.needs is not Needs.NOTHING]
    if asking or run.state in (RunState.WAITING, RunState.PAUSED):
        needs = some(asking, 8) if asking else run.why
        raise Exit(exit_codes.WAITS, f"{run.run} needs you: {needs} (`drdeck plan status {run.run}`)")
    exceptions = (InRunState.LEFT_OUT, InRunState.NOT_POSSIBLE, InRunState.FAILED)
    left = [f"{d.name} ({d.state.words})" for d in run.domains if d.state in exceptions]
    if left:
        raise Exit(exit_codes.FAILED, f"done, with exceptions: {some(left, 10)}")


def batch_over(action: str) -> Callable[[Listing, RunView], bool]:
    """True once the last rollback (pitr_run) or exit (pitr_exit) of a run is over, or needs a person."""

    def over(listing: Listing, run: RunView) -> bool:
        batch = _last(run, action)
        return batch is not None and batch.over

    return over


def _last(run: RunView, action: str) -> BatchOfRun | None:
    return next((b for b in reversed(run.batches) if b.action == action), None)


def batch_end(run: RunView, action: str) -> None:
    """Raises Exit where a rollback or exit of a run failed in a domain, or asks."""
    batch = _last(run, action)
    if batch is None:
        return
    if batch.unknown:
        raise Exit(exit_codes.UNKNOWN, f"what became of {some(batch.unknown, 8)} is not known")
    if batch.asking:
        text = f"{run.run} needs you: {some(batch.asking, 8)} (`drdeck plan status {run.run}`)"
        raise Exit(exit_codes.WAITS, text)
    failed = [f"{name}: {why}" for name, why in {**batch.failed, **batch.stopped}.items()]
    if failed:
        raise Exit(exit_codes.FAILED, f"failed: {some(failed, 8, '; ')}")
