"""`drdeck networks DOMAIN`."""

from __future__ import annotations

import shlex

import click

from drdeck.cli import output
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, end_stale, json_option, runs


@click.command("networks")
@click.argument("domain", shell_complete=domain_names)
@json_option
@runs
async def networks(context: Context, domain: str, as_json: bool) -> None:
    """Show which recovery network stands for each network of DOMAIN's VMs, and why.

    Without a word of yours it is the one that was chosen before, else that of [sites.NAME.networks] in the
    settings, of the same name, or the only one that the recovery site offers.
    """
    async with context.client(stale=True) as client:
        answer = await client.show(domain)
    assert answer.detail.domain is not None
    here = answer.detail.domain.networks
    rows = []
    for source in here.protected:
        target, why = next(iter(here.proposal(source)), (None, None))
        rows.append({"protected": source, "recovery": target, "why": why})
    if as_json:
        output.emit({"domain": answer.detail.domain.name, "networks": rows, "offered": list(here.recovery)})
        end_stale(answer.listing)
        return
    output.table(
        ("PROTECTED NETWORK", "RECOVERY NETWORK", "WHY"),
        [(row["protected"], row["recovery"], row["why"]) for row in rows],
        f"no network of {domain} is known",
    )
    output.note(f"the recovery site offers: {', '.join(here.recovery) or 'none'}")
    left = [row["protected"] for row in rows if row["recovery"] is None]
    if left:
        command = f"drdeck cfo start {shlex.quote(domain)} --network FROM=TO"
        output.note(f"not chosen yet: {', '.join(map(str, left))} ({command})")
    end_stale(answer.listing)
