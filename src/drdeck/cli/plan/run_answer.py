"""One answer for all domains of a run that ask the same."""

from __future__ import annotations

import click

from drdeck.cli import output
from drdeck.cli.context import Context

RUN_ANSWERS = ("retry", "skip", "wait", "abort", "confirm")


async def answer_run(context: Context, run: str, kind: str, choice: str, as_json: bool) -> None:
    """Answer every question of a kind in a run; the domains are listed."""
    if choice not in RUN_ANSWERS:
        offered = ", ".join(map(repr, RUN_ANSWERS))
        raise click.BadParameter(f"{choice!r} is not one of {offered}.", param_hint="'CHOICE'")
    async with context.client() as client:
        answered = await client.plans.answer_all(run, kind, choice)
    if as_json:
        output.emit({"run": run, "answer": choice, "operations": answered.operations})
    else:
        for domain, operation in answered.operations.items():
            output.say(f"{domain}: {operation}: {choice}")
    for domain, why in answered.refused.items():
        output.note(f"{domain}: not answered: {why}")
