"""Commands of continuous failover: start, complete, and networks chosen anew."""

from __future__ import annotations

from typing import Unpack

import click

from drdeck.cli.completion.candidates import domain_names, vm_names
from drdeck.cli.context import Context, runs
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType

from .request_options import (
    RequestOptions,
    confirm_option,
    even_though_option,
    facts_named,
    mapping_of,
    network_option,
    request_options,
    run_pitr_option,
    type_option,
)
from .submitting import submit


@click.group()
def cfo() -> None:
    """Continuous failover: start and complete it."""


@cfo.command("start")
@click.argument("domain", shell_complete=domain_names)
@network_option
@request_options
@runs
async def cfo_start(
    context: Context, domain: str, networks: tuple[str, ...], **options: Unpack[RequestOptions]
) -> None:
    """Start continuous failover of DOMAIN."""
    request = Request(action="cfo_start", domain=domain, networks=mapping_of(networks))
    await submit(context, request, **options)


@cfo.command("complete")
@click.argument("domain", shell_complete=domain_names)
@type_option
@run_pitr_option
@network_option
@click.option(
    "--without-vm",
    "without",
    multiple=True,
    metavar="NAME",
    shell_complete=vm_names,
    help="Leave this VM out; may be repeated.",
)
@confirm_option
@even_though_option
@request_options
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
    **options: Unpack[RequestOptions],
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
    await submit(context, request, **options)


@cfo.command("remap")
@click.argument("domain", shell_complete=domain_names)
@network_option
@request_options
@runs
async def cfo_remap(
    context: Context, domain: str, networks: tuple[str, ...], **options: Unpack[RequestOptions]
) -> None:
    """Change recovery networks of DOMAIN that were chosen before; cards of VMs that run are moved too."""
    await submit(
        context, Request(action="cfo_remap", domain=domain, networks=mapping_of(networks)), **options
    )
