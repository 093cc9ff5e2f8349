"""Commands of point-in-time recovery: restore points, sessions, rollbacks."""

from __future__ import annotations

from typing import Unpack

import click

from drdeck.cli import json_shapes, output
from drdeck.cli.completion.candidates import domain_names, restore_points
from drdeck.cli.context import Context, json_option, runs
from drdeck.model.actions.request import Request
from drdeck.model.text import show_bytes

from .request_options import RequestOptions, confirm_option, healthy_option, request_options, vms_option
from .submitting import plain_command, refuse_read_only, submit, submit_with
from .typed_instants import named_instant


@click.group()
def pitr() -> None:
    """Point-in-time recovery: restore points, sessions, rollbacks."""


@pitr.command("points")
@click.argument("domain", shell_complete=domain_names)
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@json_option
@runs
async def pitr_points(context: Context, domain: str, last: int | None, as_json: bool) -> None:
    """List the restore points of DOMAIN that may be picked, newest first."""
    async with context.client() as client:
        shaped = json_shapes.points(await client.points(domain))
    older = len(shaped["points"]) - (last or len(shaped["points"]))
    shaped["points"] = shaped["points"][:last]
    if as_json:
        output.emit(shaped)
        return
    rows = [
        (p["time"], p["kind"], p["vms"], f"{p['skew_s']}s", show_bytes(p["written_bytes"]), p["hint"] or "")
        for p in shaped["points"]
    ]
    output.table(
        ("POINT MADE AT (UTC)", "KIND", "VMS", "SKEW", "WRITTEN", "HINT"),
        rows,
        f"{domain} has no restore point to pick",
    )
    if older > 0:
        output.remark(f"{older} older points are not listed")
    for point in shaped.get("disturbed", ()):
        output.say(f"cannot be picked: {point['time']} of {point['vm']}: {point['text']}")
    for period in shaped["excluded"]:
        output.say(
            f"cannot be reached: {period['from']} to {period['to'] or 'now'} (a PITR session was active)"
        )


@pitr.command("start")
@click.argument("domain", shell_complete=domain_names)
@vms_option
@request_options
@runs
async def pitr_start(
    context: Context, domain: str, vms: tuple[str, ...], **options: Unpack[RequestOptions]
) -> None:
    """Start a PITR session of DOMAIN by hand."""
    await submit(context, Request(action="pitr_start", domain=domain, vms=vms), **options)


@pitr.command("run", context_settings={"ignore_unknown_options": False})
@click.argument("domain", shell_complete=domain_names)
@click.option(
    "--to",
    "to",
    required=True,
    metavar="TIME",
    shell_complete=restore_points,
    help="2026-11-22T10:42:00Z, 10:42 (UTC), -15m, or before-abnormal.",
)
@vms_option
@confirm_option
@healthy_option
@request_options
@runs
async def pitr_run(
    context: Context,
    domain: str,
    to: str,
    vms: tuple[str, ...],
    confirm: str | None,
    healthy: bool,
    **options: Unpack[RequestOptions],
) -> None:
    """Roll the VMs of DOMAIN back to an instant."""
    refuse_read_only(context)
    async with context.client() as client:
        instant = await named_instant(client, domain, to)
        request = Request(action="pitr_run", domain=domain, to=instant, vms=vms, confirm=confirm)
        await submit_with(client, request, healthy, **options)


@pitr.command("exit")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@healthy_option
@request_options
@runs
async def pitr_exit(
    context: Context, domain: str, confirm: str | None, healthy: bool, **options: Unpack[RequestOptions]
) -> None:
    """Exit the PITR session of DOMAIN."""
    await submit(context, Request(action="pitr_exit", domain=domain, confirm=confirm), healthy, **options)


pitr.add_command(
    plain_command(
        "entry", "pitr_entry", "Make the entry points that VMs of DOMAIN's PITR session lack.", consent=False
    )
)
