"""Commands of Test Failover: start a test, look at it, end it, and what is left over of tests."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import click

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.acting.request_options import (
    RequestOptions,
    confirm_option,
    mapping_of,
    request_options,
    vms_option,
)
from drdeck.cli.acting.submitting import refuse_read_only, submit, submit_with
from drdeck.cli.acting.typed_instants import named_instant
from drdeck.cli.completion.candidates import domain_names, isolated_pairs, restore_points, stray_vms
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.client import Client
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.facts.trial_facts import StrayTrialVm, TrialVm
from drdeck.model.life.clone_kinds import kind_closed
from drdeck.model.life.trial_words import trial_says
from drdeck.model.text import brief, show_bytes
from drdeck.model.times import parse_duration, show

_SHORT = 60


@click.group("test")
def trial() -> None:
    """Test Failover: a domain's VMs as clones in an isolated network, while the domain stays as it is."""


@trial.command("start")
@click.argument("domain", shell_complete=domain_names)
@click.option(
    "--to",
    metavar="TIME",
    shell_complete=restore_points,
    help="As of this instant: 2026-11-22T10:42:00Z, 10:42 (UTC), -15m.",
)
@vms_option
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="FROM=TO",
    shell_complete=isolated_pairs,
    help="Protected network = isolated network; '*=TO': all that are left.",
)
@click.option("--for", "lasts", metavar="4h", help="How long the test is to last at most.")
@click.option(
    "--how",
    type=click.Choice(["linked", "full", "tool"]),
    default="linked",
    help="Clones of which kind; only linked ones are supported.",
)
@confirm_option
@request_options
@runs
async def trial_start(
    context: Context,
    domain: str,
    to: str | None,
    vms: tuple[str, ...],
    networks: tuple[str, ...],
    lasts: str | None,
    how: str,
    confirm: str | None,
    **options: Unpack[RequestOptions],
) -> None:
    """Start a test of DOMAIN: clones of its VMs in an isolated network."""
    refuse_read_only(context)
    if closed := kind_closed(how):
        raise Exit(exit_codes.REFUSED, f"--how {closed}")
    mapping, lasts_s = mapping_of(networks), seconds_of(lasts)
    async with context.client() as client:
        instant = None if to is None else await named_instant(client, domain, to)
        request = Request(
            action="test_start",
            domain=domain,
            to=instant,
            vms=vms,
            networks=mapping,
            ends_after_s=lasts_s,
            confirm=confirm,
        )
        await submit_with(client, request, **options)


def seconds_of(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Exit(exit_codes.USAGE, f"--for {text!r}: {error}") from None


@trial.command("end")
@click.argument("domain", shell_complete=domain_names)
@click.option("--result", type=click.Choice(["passed", "failed"]), help="What came of the test.")
@click.option("--note", default="", metavar="TEXT", help="A few words on it, which are kept.")
@request_options
@runs
async def trial_end(
    context: Context, domain: str, result: str | None, note: str, **options: Unpack[RequestOptions]
) -> None:
    """End the test of DOMAIN and remove its test VMs."""
    request = Request(action="test_end", domain=domain, result=result or "", note=note)
    await submit(context, request, **options)


@trial.command("detach")
@click.argument("domain", shell_complete=domain_names)
@request_options
@runs
async def trial_detach(context: Context, domain: str, **options: Unpack[RequestOptions]) -> None:
    """Detach disks of other VMs from the test VMs left over of DOMAIN, and remove these.

    No file is deleted. What lies in a test VM's own directory is never detached.
    """
    await submit(context, Request(action="test_detach", domain=domain), **options)


@trial.command("show")
@click.argument("domain", required=False, shell_complete=domain_names)
@json_option
@runs
async def trial_show(context: Context, domain: str | None, as_json: bool) -> None:
    """Show the tests under way, and when each domain was last tested; with DOMAIN its test VMs."""
    async with context.client() as client:
        listing = await client.get_listing()
        domains = list(listing.domains) if domain is None else [await _whole(client, domain)]
    now = json_shapes.site_now(listing)
    if as_json:
        output.emit({"tests": [json_shapes.tests_of(d) for d in domains]})
        return
    rows = [(d.name, _goes_on(d, now), *_last(d)) for d in domains]
    output.table(("DOMAIN", "TEST", "LAST TESTED (UTC)", "RESULT"), rows, "there is no Protected Domain")
    if domain is not None and domains[0].trial is not None:
        vms = [
            (vm.name, vm.of, vm.power, "ready" if vm.ready else "", vm.left) for vm in domains[0].trial.vms
        ]
        output.table(("TEST VM", "OF", "POWER", "", "LEFT OVER SINCE"), vms, "no test VM is there")
        if domains[0].trial.grown_bytes is not None:
            output.note(f"written by the test VMs so far: {show_bytes(domains[0].trial.grown_bytes)}")


async def _whole(client: Client, name: str) -> Domain:
    """A domain with its test VMs. Raises ControllerError when it is unknown."""
    domain = (await client.show(name)).detail.domain
    assert domain is not None
    return domain


def _goes_on(d: Domain, now: datetime) -> str:
    return "-" if d.trial is None else trial_says(d.trial, now)


def _last(d: Domain) -> tuple[str, str]:
    if d.tested is None:
        return "never", ""
    note = f": {brief(d.tested.note, _SHORT)}" if d.tested.note else ""
    return show(d.tested.at), f"{d.tested.result}{note}"


@trial.command("leftovers")
@click.option(
    "--adopt",
    metavar="VM",
    shell_complete=stray_vms,
    help="Take this one back into a test's list, so that End Test removes it.",
)
@request_options
@runs
async def trial_leftovers(context: Context, adopt: str | None, **options: Unpack[RequestOptions]) -> None:
    """List test VMs that drdeck did not remove, with the reason and what to do by hand.

    One that is in no list, since the answer to its clone was lost, is taken back by --adopt. It is refused
    where the VM is not surely drdeck's.
    """
    if adopt is not None:
        refuse_read_only(context)
    elif options["dry_run"] or options["wait"] or options["timeout"] is not None:
        raise Exit(exit_codes.USAGE, "--dry-run, --wait and --timeout go with --adopt VM only")
    async with context.client() as client:
        listing = await client.get_listing()
        named = [d.name for d in listing.domains if d.trial is not None or d.strays]
        domains = [await _whole(client, name) for name in named]
        if adopt is None:
            _list_leftovers(domains, options["as_json"])
            return
        request = Request(action="test_adopt", domain=_domain_of(adopt, domains), test_vms=(adopt,))
        await submit_with(client, request, **options)


def _domain_of(vm: str, domains: list[Domain]) -> str:
    """The domain that a test VM is of which no list has. Raises Exit(3)."""
    having = [d for d in domains if any(vm in (stray.name, stray.id) for stray in d.strays)]
    if len(having) == 1 and sum(stray.name == vm for stray in having[0].strays) < 2:
        return having[0].name
    if having:
        raise Exit(exit_codes.REFUSED, f'several VMs are named "{vm}"; give the id of one, from --json')
    for d in domains:
        if d.trial is not None and any(vm in (one.name, one.id) for one in d.trial.vms):
            raise Exit(
                exit_codes.REFUSED,
                f'"{vm}" is in the list of "{d.name}" already; drdeck test end {d.name} removes it',
            )
    raise Exit(
        exit_codes.REFUSED,
        f'no VM "{vm}" in the test folder has the mark of a test of a domain here; look whose it is',
    )


def _list_leftovers(domains: list[Domain], as_json: bool) -> None:
    listed = [(d.name, vm, vm.left) for d in domains if d.trial is not None for vm in d.trial.left]
    rows = [_leftover(name, vm, why, in_list=True) for name, vm, why in listed]
    rows += [_leftover(d.name, vm, _stray_says(vm), in_list=False) for d in domains for vm in d.strays]
    if as_json:
        output.emit({"leftovers": rows})
        return
    output.table(
        ("DOMAIN", "TEST VM", "OF", "POWER", "WHY IT STAYS, AND WHAT TO DO"),
        [tuple(str(row[key]) for key in ("domain", "vm", "of", "power", "why")) for row in rows],
        "nothing is left over of any test",
    )


def _leftover(domain: str, vm: TrialVm | StrayTrialVm, why: str, *, in_list: bool) -> dict[str, object]:
    foreign = list(vm.foreign) if isinstance(vm, TrialVm) else []
    facts = {"domain": domain, "vm": vm.name, "of": vm.of, "id": vm.id, "power": vm.power, "foreign": foreign}
    return {**facts, "why": why, "listed": in_list}


def _stray_says(vm: StrayTrialVm) -> str:
    return (
        f"no list of test VMs has it, and its mark names the test {vm.operation}; take it back with"
        f" drdeck test leftovers --adopt {vm.name}, or remove it by hand"
    )
