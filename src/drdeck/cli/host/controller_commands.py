"""The commands about controllers: started, ended, started anew, and how they are."""

from __future__ import annotations

from typing import Any

import click

from drdeck.cli import exit_codes, output
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Disconnected
from drdeck.controller.process.launch import check
from drdeck.controller.process.paths import base_directory
from drdeck.controller.process.running import EndedController, FoundController, controllers, end_running
from drdeck.model.times import instant_in, show, show_seconds

PAUSE_S = 120.0
"""For so long a restart waits for an instant at which nothing is under way."""


@click.group()
def controller() -> None:
    """The process behind the consoles."""


@controller.command("start")
@runs
async def controller_start(context: Context) -> None:
    """Start the controller of the site, unless it runs."""
    async with context.client(sighted=False) as client:
        status = await client.status()
    output.remark(f"the controller of {status.site} runs as process {status.pid}")


@controller.command("stop")
@click.option("--force", is_flag=True, help="Also with operations open; they continue at the next start.")
@runs
async def controller_stop(context: Context, force: bool) -> None:
    """End the controller of the site."""
    ended = await end_running(context.paths, force)
    if ended is None:
        output.remark(f"no controller of {context.site} runs")
        return
    output.remark(f"the controller of {context.site}, process {ended.pid}, has ended; {_kept(ended)}")


def _kept(ended: EndedController) -> str:
    if ended.operations is None:
        return "operations that were open continue at the next start"
    if not ended.operations:
        return "no operation was open"
    return f"open operations continue at the next start: {', '.join(ended.operations)}"


@controller.command("restart")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=PAUSE_S,
    show_default=True,
    metavar="S",
    help="Give up when something is still under way at the site after so long.",
)
@runs
async def controller_restart(context: Context, timeout: float) -> None:
    """Start the controller anew, with the settings as they are now and this version.

    It begins nothing more, and ends once no call to the site is under way; operations continue. What is under
    way after --timeout is named, and the controller continues as it was.
    """
    check(context.settings.site(context.site))
    ended = await end_running(context.paths, force=True, pause_s=timeout)
    async with context.client(sighted=False) as client:
        status = await client.status()
    if ended is None:
        output.remark(f"no controller of {context.site} ran; it runs now as process {status.pid}")
        return
    kept = f"; operations that continue: {', '.join(status.operations)}" if status.operations else ""
    output.remark(f"the controller of {context.site} was process {ended.pid}, and is {status.pid}{kept}")


@controller.command("status")
@click.option("--all", "all_sites", is_flag=True, help="Of all sites and lessons in the state directory.")
@json_option
@runs
async def controller_status(context: Context, as_json: bool, all_sites: bool) -> None:
    """Say whether a controller of the site runs, and what it does.

    With --all: a line for each controller that runs, 0 also where there is none.
    """
    if all_sites:
        await _status_of_all(context, as_json)
        return
    try:
        client = await context.attach(start=False)
    except Disconnected:
        raise Exit(exit_codes.FAILED, f"no controller of {context.site} runs") from None
    try:
        status = await client.status()
    finally:
        await client.close()
    data = shaped_status(status)
    if as_json:
        output.emit(data)
        return
    for key, value in (data | {"since": show_seconds(status.since)}).items():
        output.say(f"{key}: {', '.join(value) or 'none' if isinstance(value, list) else value}")


async def _status_of_all(context: Context, as_json: bool) -> None:
    base = base_directory(context.state)
    running = [shaped_controller(c) for c in await controllers(base)]
    if as_json:
        output.emit({"controllers": running})
        return
    output.table(
        ("SITE", "PROCESS", "VERSION", "SINCE", "CONSOLES", "OPERATIONS", "STATE"),
        [
            (
                c["site"], c["pid"], c["version"], instant_in(c["since"] or "", show_seconds) or c["error"],
                len(c["consoles"]), ", ".join(c["operations"]), c["state"],
            )
            for c in running
        ],
        f"no controller runs with its state under {base}",
    )  # fmt: skip


@controller.command("serve", hidden=True)
@click.pass_obj
def controller_serve(context: Context) -> None:
    """Be the controller (started by `start` and by the consoles)."""
    from drdeck.controller.process.serve import serve

    code = serve(
        context.settings,
        context.site,
        context.paths,
        log_level=context.log_level,
        file=str(context.config),
        file_digest=context.file_digest,
        plans_of=context.settings_in_use.plans_now,
    )
    if code:
        raise Exit(code)


def shaped_status(status: p.Status) -> dict[str, Any]:
    """A status as in `controller status --json`."""
    return {
        "pid": status.pid,
        "site": status.site,
        "since": show(status.since),
        "consoles": list(status.consoles),
        "operations": list(status.operations),
        "version": status.version,
    }


def shaped_controller(controller: FoundController) -> dict[str, Any]:
    """The same of one of several: with its state directory, and why it does not answer."""
    unknown: dict[str, Any] = {
        "pid": None, "site": controller.state.name, "since": None, "consoles": [], "operations": [],
        "version": None,
    }  # fmt: skip
    status = unknown if controller.status is None else shaped_status(controller.status)
    return {**status, "state": str(controller.state), "error": controller.why or None}
