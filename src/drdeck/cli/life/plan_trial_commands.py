"""`drdeck test plan`: all domains of a plan tested together, by waves, or their tests ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from drdeck.cli import exit_codes, json_shapes, output, watching
from drdeck.cli.acting.request_options import SECONDS, except_option, mapping_of, network_option, only_option
from drdeck.cli.acting.submitting import refuse_read_only
from drdeck.cli.acting.typed_instants import typed_instant
from drdeck.cli.completion.plan_candidates import instants_of_plan, plan_names
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.reading import dry_run as rehearsals
from drdeck.controller.ipc.client import Client
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain
from drdeck.model.plans.plan_check import DomainCheck, Possible
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.text import some

from .trial_commands import seconds_of


@click.command("plan")
@click.argument("plan", shell_complete=plan_names)
@click.option(
    "--to",
    metavar="TIME",
    shell_complete=instants_of_plan,
    help="As of this instant, of all domains: TIME or -15m.",
)
@network_option
@click.option("--for", "lasts", metavar="4h", help="How long the tests are to last at most.")
@only_option
@except_option
@click.option("--end", is_flag=True, help="End the tests of the plan's domains instead.")
@click.option("--result", type=click.Choice(["passed", "failed"]), help="With --end: what came of it.")
@click.option("--note", default="", metavar="TEXT", help="With --end: a few words on it, which are kept.")
@click.option("--wait", is_flag=True, help="Return when the last wave runs too, or all tests are ended.")
@click.option("--dry-run", is_flag=True, help="Say what each test would be, and begin none.")
@click.option("--timeout", type=SECONDS, metavar="S", help="Give up waiting for a domain after so long.")
@json_option
@runs
async def trial_plan(
    context: Context,
    plan: str,
    to: str | None,
    networks: tuple[str, ...],
    lasts: str | None,
    only: tuple[str, ...],
    without: tuple[str, ...],
    end: bool,
    result: str | None,
    note: str,
    wait: bool,
    dry_run: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Test all domains of PLAN in one bubble: by waves, each begun when the one before it runs."""
    refuse_read_only(context)
    if not end and (result or note):
        raise Exit(exit_codes.USAGE, "--result and --note are for the end of a test: add --end")
    mapping, lasts_s = mapping_of(networks), seconds_of(lasts)
    async with context.client() as client:
        check = await client.plans.check(RunRequest(plan=plan, only=only, without=without))
        domains = {d.name: d for d in (await client.get_listing()).domains}
        members = [d for d in check.domains if not d.left_out and d.name in domains and _to_test(d)]
        if end:
            requests = [
                Request(action="test_end", domain=d.name, result=result or "", note=note)
                for d in members
                if domains[d.name].trial is not None
            ]
            waves = [requests]
            nothing = f"no domain of {plan} is being tested"
        else:
            instant = None if to is None else await typed_instant(client, to)
            waves = [
                [
                    _start(plan, domains[d.name], instant, mapping, lasts_s)
                    for d in members
                    if d.wave == number
                ]
                for number in range(len(check.waves))
            ]
            nothing = f"{plan} has no domain that could be tested"
        if not any(waves):
            raise Exit(exit_codes.REFUSED, nothing)
        if dry_run:
            await _rehearse(client, waves, as_json)
            return
        await _possible(client, waves)
        await _begin(client, waves, wait or not end, wait, timeout, as_json)


def _to_test(check: DomainCheck) -> bool:
    """False for a domain that is here already: there is nothing to rehearse."""
    return check.possible is not Possible.SKIPPED


def _start(
    plan: str, domain: Domain, to: datetime | None, networks: Mapping[str, str], lasts_s: float | None
) -> Request:
    own = {a: b for a, b in networks.items() if a == "*" or a in domain.networks.protected}
    return Request(
        action="test_start", domain=domain.name, to=to, networks=own, ends_after_s=lasts_s, bubble=plan
    )


async def _possible(client: Client, waves: Sequence[Sequence[Request]]) -> None:
    """Raises Exit(3) where any of the requests is refused, before the first is begun."""
    _refuse({r.domain: (await client.preview(r)).refusal for wave in waves for r in wave})


def _refuse(refusals: Mapping[str, str | None]) -> None:
    """Raises Exit(3) where a domain has a reason against its request."""
    refused = [f"{name}: {why}" for name, why in refusals.items() if why]
    if refused:
        text = f"{len(refused)} of {len(refusals)} domains cannot: {some(refused, 5, '; ')}"
        raise Exit(exit_codes.REFUSED, f"{text}; leave them out with --except")


async def _rehearse(client: Client, waves: Sequence[Sequence[Request]], as_json: bool) -> None:
    """Print what each request would do. Raises Exit(3) where one would be refused."""
    outcomes = [await client.rehearse(request) for wave in waves for request in wave]
    if as_json:
        output.emit({"dry_run": True, "domains": [rehearsals.shaped(outcome) for outcome in outcomes]})
    else:
        for line in (line for outcome in outcomes for line in rehearsals.lines(outcome)):
            output.say(line)
    _refuse({outcome.preview.request.domain: outcome.refusal for outcome in outcomes})
    output.note(rehearsals.NOTHING_STARTED)


async def _begin(
    client: Client,
    waves: Sequence[Sequence[Request]],
    by_waves: bool,
    to_the_end: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    begun: list[json_shapes.Json] = []
    try:
        for number, wave in enumerate(waves, 1):
            operations = []
            for request in wave:
                operations.append(await client.submit(request))
                begun.append({"domain": request.domain, "operation": operations[-1]})
                if not as_json:
                    output.say(f"{operations[-1]} {request.domain}")
            if by_waves and (number < len(waves) or to_the_end):
                for operation in operations:
                    await watching.until_done(client, operation, timeout)
    except Exit as error:
        behind = [request.domain for wave in waves for request in wave][len(begun) :]
        rest = f"; not begun: {some(behind, 5)}" if behind else ""
        raise Exit(error.code, f"{error}{rest}") from None
    finally:
        if as_json:
            output.emit({"operations": begun})
