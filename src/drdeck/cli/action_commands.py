"""Commands that act: continuous failover, PITR sessions, answers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict, Unpack

import click
import msgspec

from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.model.actions import READ_ONLY, Request
from drdeck.model.domains import FailoverType
from drdeck.model.passwords import PROTECTED
from drdeck.model.pitr import writing_of
from drdeck.model.text import clean, show_bytes
from drdeck.model.times import parse_instant, show
from drdeck.terminal_info import is_terminal

from . import exit_codes, json_shapes, output, watching
from .completion.candidates import (
    BEFORE_ABNORMAL,
    domain_names,
    network_pairs,
    restore_points,
    vm_names,
)
from .context import Context, json_option, runs
from .exit_codes import Exit
from .prompts import Asker, ask
from .reading.dry_run import dry_run

Decorated = Callable[..., Any]


class Seconds(click.FloatRange):
    """So many seconds, and not "nan"."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


SECONDS = Seconds(min=0)


class ActOptions(TypedDict):
    """The values of `act_options`."""

    dry_run: bool
    wait: bool
    timeout: float | None
    as_json: bool


def act_options(command: Decorated) -> Decorated:
    """--dry-run, --wait, --timeout and --json, as every act has them."""
    for option in (
        json_option,
        click.option(
            "--timeout", type=SECONDS, metavar="S", help="With --wait: give up waiting after so many seconds."
        ),
        click.option("--wait", is_flag=True, help="Return when it has happened, or needs the operator."),
        click.option(
            "--dry-run", is_flag=True, help="Show what it would do, and against what; begin nothing."
        ),
    ):
        command = option(command)
    return command


def confirm_option(command: Decorated) -> Decorated:
    return click.option(
        "--confirm", metavar="DOMAIN", help="The domain's name: consent to what cannot be undone."
    )(command)


healthy_option = click.option(
    "--healthy", is_flag=True, help="With --wait: exit code 1 where a VM fails its check."
)


def may_act(context: Context) -> None:
    """Raises Exit(3) with --read-only, also where the controller that runs already may write."""
    if context.settings.read_only:
        raise Exit(exit_codes.REFUSED, READ_ONLY)


async def act(
    context: Context, request: Request, healthy: bool = False, **options: Unpack[ActOptions]
) -> None:
    """Submit a request, ask for consent where it is needed, print the operation, and perhaps wait."""
    may_act(context)
    async with context.client() as client:
        await act_with(client, request, healthy, **options)


EXPLAINED = ("pitr_start", "pitr_run", "pitr_exit")
"""What is accepted without a question, but not without a word on what it means."""


def plain_act(name: str, action: str, text: str, consent: bool = True) -> click.Command:
    """The command of an act that takes a domain and nothing else; `consent`: it may want its name."""

    async def ask_for(
        context: Context, domain: str, confirm: str | None = None, **options: Unpack[ActOptions]
    ) -> None:
        await act(context, Request(action=action, domain=domain, confirm=confirm), **options)

    command = act_options(runs(ask_for))
    if consent:
        command = confirm_option(command)
    argument = click.argument("domain", shell_complete=domain_names)
    return click.command(name, help=text)(argument(command))


async def act_with(
    client: Client, request: Request, healthy: bool = False, **options: Unpack[ActOptions]
) -> None:
    if options["dry_run"]:
        await dry_run(client, request, options["as_json"])
        return
    says = await explain(client, request)
    asker = Asker(client)
    while True:
        try:
            ident = await _submit(client, request)
        except ControllerError as error:
            if error.code != "rule" or request.action != "cfo_complete":
                raise
            # refused, perhaps, for nothing but that nobody could log in at the protected site
            need = asker.wanted(await client.get_listing(), PROTECTED)
            if need is None:
                raise
            await asker.ask(need, "the protected site")
        else:
            break
    if options["as_json"]:
        output.emit({"operation": ident})
    else:
        output.say(ident)
    for sentence in says:
        output.note(sentence)
    if options["wait"]:
        sys.stdout.flush()
        await watching.until_done(client, ident, options["timeout"])
    await watching.say_end(client, request, options["wait"], healthy)


async def _submit(client: Client, request: Request) -> str:
    try:
        return await client.submit(request)
    except ControllerError as error:
        if error.code != "unconfirmed" or request.confirm is not None or not is_terminal(sys.stdin):
            raise
        return await client.submit(await consent(client, request))


async def explain(client: Client, request: Request) -> tuple[str, ...]:
    """Say what speaks against a request, and what may disturb the PITR session that it leads to; returns
    what to say once it is accepted."""
    if request.action not in (*EXPLAINED, "cfo_complete", "pitr_exit"):
        return ()
    preview = await client.preview(request)
    for sentence in preview.obstacles:
        output.note(f"against: {sentence}")
    for out in preview.left_out:
        output.note(f"left out: {out}")
    if preview.refusal is None:
        for sentence in (*preview.dangers, *preview.against):
            output.note(f"warning: {sentence}")
    for sentence in preview.warns:
        output.note(f"warning: {sentence}")
    if request.action not in EXPLAINED or (preview.tier == 3 and request.confirm is None):
        return ()  # of tier 3 it is said when consent is asked for
    return preview.says


async def consent(client: Client, request: Request) -> Request:
    """Show on the terminal what a tier-3 request does, and take the typed name."""
    preview = await client.preview(request)
    for sentence in preview.says:
        output.note(sentence)
    for what in preview.not_checked:
        output.note(f"Not checked: {what}")
    typed = ask(f'Type the name of the domain ("{request.domain}") to go on')
    if typed == clean(request.domain):  # a name that cannot be typed is typed as it is shown
        typed = request.domain
    return msgspec.structs.replace(
        request, confirm=typed, preview=preview.facts, even_though=preview.against_names
    )


@click.group()
def cfo() -> None:
    """Continuous failover: start and complete it."""


def mapping_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """The mapping that --network options give. Raises Exit(2)."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        source, sign, target = pair.partition("=")
        if not sign or not source or not target:
            raise Exit(exit_codes.USAGE, f'--network wants FROM=TO, such as "VM_3510=DRSeg"; got {pair!r}')
        if source in mapping:
            raise Exit(exit_codes.USAGE, f"--network maps {source!r} twice")
        mapping[source] = target
    return mapping


network_option = click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="FROM=TO",
    shell_complete=network_pairs,
    help="Protected network = recovery network; '*=TO': all that are left.",
)
vms_option = click.option(
    "--vm",
    "vms",
    multiple=True,
    metavar="NAME",
    shell_complete=vm_names,
    help="Only this VM; may be repeated.",
)


@cfo.command("start")
@click.argument("domain", shell_complete=domain_names)
@network_option
@act_options
@runs
async def cfo_start(
    context: Context, domain: str, networks: tuple[str, ...], **options: Unpack[ActOptions]
) -> None:
    """Start continuous failover of DOMAIN."""
    request = Request(action="cfo_start", domain=domain, networks=mapping_of(networks))
    await act(context, request, **options)


type_option = click.option(
    "--type", "kind", required=True, type=click.Choice([str(t) for t in FailoverType]), help="Failover type."
)
run_pitr_option = click.option(
    "--run-pitr", is_flag=True, help="Start a PITR session once the VMs are recovered."
)
even_though_option = click.option(
    "--even-though",
    "even_though",
    multiple=True,
    metavar="FACTS",
    help="With force: the facts found against it that you know of (answers,vms-running).",
)


def facts_named(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The names of facts that --even-though options give."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


@cfo.command("complete")
@click.argument("domain", shell_complete=domain_names)
@type_option
@run_pitr_option
@network_option
@click.option(
    "--without-vm", "without", multiple=True, metavar="NAME", help="Leave this VM out; may be repeated."
)
@confirm_option
@even_though_option
@act_options
@runs
async def cfo_complete(
    context: Context,
    domain: str,
    kind: str,
    run_pitr: bool,
    networks: tuple[str, ...],
    without: tuple[str, ...],
    confirm: str | None,
    even_though: tuple[str, ...],
    **options: Unpack[ActOptions],
) -> None:
    """Complete the continuous failover of DOMAIN."""
    request = Request(
        action="cfo_complete",
        domain=domain,
        type=FailoverType(kind),
        run_pitr=run_pitr,
        networks=mapping_of(networks),
        without=without,
        confirm=confirm,
        even_though=facts_named(even_though),
    )
    await act(context, request, **options)


@cfo.command("remap")
@click.argument("domain", shell_complete=domain_names)
@network_option
@act_options
@runs
async def cfo_remap(
    context: Context, domain: str, networks: tuple[str, ...], **options: Unpack[ActOptions]
) -> None:
    """Change recovery networks of DOMAIN that were chosen before; cards of VMs that run are moved too."""
    await act(context, Request(action="cfo_remap", domain=domain, networks=mapping_of(networks)), **options)


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
        ("TIME (UTC)", "KIND", "VMS", "SKEW", "WRITTEN", "HINT"),
        rows,
        f"{domain} has no restore point to pick",
    )
    if older > 0:
        output.note(f"{older} older points are not listed")
    for point in shaped.get("disturbed", ()):
        output.say(f"cannot be picked: {point['time']} of {point['vm']}: {point['text']}")
    for period in shaped["excluded"]:
        output.say(
            f"cannot be reached: {period['from']} to {period['to'] or 'now'} (a PITR session was active)"
        )


@pitr.command("start")
@click.argument("domain", shell_complete=domain_names)
@vms_option
@act_options
@runs
async def pitr_start(
    context: Context, domain: str, vms: tuple[str, ...], **options: Unpack[ActOptions]
) -> None:
    """Start a PITR session of DOMAIN by hand."""
    await act(context, Request(action="pitr_start", domain=domain, vms=vms), **options)


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
@act_options
@runs
async def pitr_run(
    context: Context,
    domain: str,
    to: str,
    vms: tuple[str, ...],
    confirm: str | None,
    healthy: bool,
    **options: Unpack[ActOptions],
) -> None:
    """Roll the VMs of DOMAIN back to an instant."""
    may_act(context)
    async with context.client() as client:
        instant = await named_instant(client, domain, to)
        request = Request(action="pitr_run", domain=domain, to=instant, vms=vms, confirm=confirm)
        await act_with(client, request, healthy, **options)


async def named_instant(client: Client, domain: str, to: str) -> datetime:
    """The instant that `--to` means. Raises Exit."""
    if to == BEFORE_ABNORMAL:
        writing = writing_of(await client.points(domain))
        if writing.since is None:
            raise Exit(exit_codes.REFUSED, f"no abnormal writing is seen in the restore points of {domain}")
        if writing.last_good is None:
            since = show(writing.since)
            raise Exit(exit_codes.REFUSED, f"{domain} has no restore point from before {since}")
        output.note(f"the last point before the abnormal writing is of {show(writing.last_good)}")
        return writing.last_good
    listing = await client.get_listing()
    try:
        instant, remark = parse_instant(to, json_shapes.site_now(listing))
    except ValueError as error:
        raise Exit(exit_codes.USAGE, str(error)) from None
    if remark:
        output.note(remark)
    return instant


@pitr.command("exit")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@healthy_option
@act_options
@runs
async def pitr_exit(
    context: Context, domain: str, confirm: str | None, healthy: bool, **options: Unpack[ActOptions]
) -> None:
    """Exit the PITR session of DOMAIN."""
    await act(context, Request(action="pitr_exit", domain=domain, confirm=confirm), healthy, **options)


pitr.add_command(
    plain_act(
        "entry", "pitr_entry", "Make the entry points that VMs of DOMAIN's PITR session lack.", consent=False
    )
)


takeover = plain_act(
    "takeover", "take_over", "Drive DOMAIN from here, and go on with what another controller has begun."
)


@click.group("record")
def record() -> None:
    """The record of a domain in its folder's custom attributes."""


record.add_command(
    plain_act(
        "restore", "record_restore", "Write the record of DOMAIN back that somebody removed from its folder."
    )
)


record.add_command(
    plain_act(
        "accept",
        "record_accept",
        "Go on without the record of DOMAIN that somebody removed from its folder on purpose.",
    )
)
