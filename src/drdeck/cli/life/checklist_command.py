"""`drdeck way-back`: what is open now on a domain's way back, what each needs, and in which order."""

from __future__ import annotations

import click

from drdeck.cli import json_shapes, output
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, end_stale, json_option, runs
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.returning.checklist import OpenWay, ReturnStep, by_openness, open_ways, return_steps


@click.command("way-back")
@click.argument("domain", shell_complete=domain_names)
@json_option
@runs
async def way_back(context: Context, domain: str, as_json: bool) -> None:
    """Print DOMAIN's way back: what is open now, what each needs, and in which order."""
    async with context.client(stale=True) as client:
        answer = await client.show(domain)
        subject = answer.detail.domain
        assert subject is not None
        looked = await client.preview(Request(action="failover_undo", domain=subject.name))
    now = json_shapes.site_now(answer.listing)
    ways = open_ways(subject, now, context.settings.read_only)
    steps = return_steps(subject, looked.protected)
    if as_json:
        output.emit(_shape(subject, ways, steps))
    else:
        _print(subject, ways, steps)
    end_stale(answer.listing)


def _shape(domain: Domain, ways: tuple[OpenWay, ...], steps: tuple[ReturnStep, ...]) -> json_shapes.Json:
    return {
        "domain": domain.name,
        "mode": str(domain.mode),
        "owner": str(domain.owner),
        "open": [
            {
                "action": way.action,
                "label": way.label,
                "command": way.command,
                "possible": way.reason is None,
                "reason": way.reason,
            }
            for way in ways
        ],
        "steps": [
            {
                "number": step.number,
                "text": step.text,
                "by": step.by,
                "state": step.state,
                "checked_by": step.checked_by,
            }
            for step in steps
        ],
        "missing": [{"vm": vm, "missing": text} for vm, text in domain.way_back.missing.items()],
    }


_MARKS = {"done": "[x]", "open": "[ ]", "unknown": "[?]"}


def _print(domain: Domain, ways: tuple[OpenWay, ...], steps: tuple[ReturnStep, ...]) -> None:
    output.say(f"{domain.name}: {domain.mode_label}, owner {str(domain.owner).upper()}")
    output.say()
    if steps:
        output.say("The way back to the other side:")
    for step in steps:
        output.say(f"{_MARKS[step.state]} {step.number} {step.text}")
        output.say(f"      by {step.by}; checked by: {step.checked_by}")
    if steps:
        output.say()
    for heading, group in by_openness(ways):
        output.say(f"{heading}:" if group else f"{heading}.")
        for way in group:
            output.say(f"  {way.label}: {way.reason or way.command}")
