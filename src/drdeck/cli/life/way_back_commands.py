"""Commands of the way back: cancel, undo, commit, restore, release."""

from __future__ import annotations

from typing import Unpack

import click

from drdeck.cli.acting.cfo_commands import cfo
from drdeck.cli.acting.request_options import (
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
from drdeck.cli.acting.submitting import plain_command, submit
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, runs
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType

cfo.add_command(
    plain_command(
        "cancel",
        "cfo_cancel",
        "Cancel the continuous failover of DOMAIN: it is imported again.",
        consent=False,
    )
)


@click.group()
def failover() -> None:
    """A failover: run it in one sitting, undo it, or commit it."""


@failover.command("run")
@click.argument("domain", shell_complete=domain_names)
@type_option
@run_pitr_option
@network_option
@confirm_option
@even_though_option
@request_options
@runs
async def failover_run(
    context: Context,
    domain: str,
    kind: str,
    run_pitr: bool,
    networks: tuple[str, ...],
    confirm: str | None,
    even_though: tuple[str, ...],
    **options: Unpack[RequestOptions],
) -> None:
    """Fail DOMAIN, which is imported, over in one sitting: started, then completed."""
    request = Request(
        action="cfo_complete",
        domain=domain,
        type=FailoverType(kind),
        run_pitr=run_pitr,
        networks=mapping_of(networks),
        confirm=confirm,
        even_though=facts_named(even_though),
        start_first=True,
    )
    await submit(context, request, **options)


failover.add_command(
    plain_command(
        "undo",
        "failover_undo",
        "Give up what DOMAIN wrote here since its failover: it is imported again.",
        against=True,
    )
)


failover.add_command(
    plain_command(
        "commit", "failover_commit", "Let the failover of DOMAIN stand: it cannot be undone any more."
    )
)


cfo.add_command(
    plain_command(
        "resume",
        "cfo_resume",
        "Bring DOMAIN, which was failed back from here, up to date again.",
        consent=False,
    )
)


@click.group("domain")
def domain_group() -> None:
    """A domain's return: fail it back, restore it here, or release it."""


domain_group.add_command(
    plain_command(
        "restore",
        "domain_restore",
        "Make this site the primary site of DOMAIN, whose failover was committed.",
    )
)


domain_group.add_command(
    plain_command(
        "release",
        "domain_release",
        "Let the other side own DOMAIN: it is imported again once its replicas are here.",
    )
)


domain_group.add_command(
    plain_command(
        "cancel-release",
        "release_cancel",
        "Keep DOMAIN here, which was released and waits for its replicas.",
        consent=False,
    )
)


domain_group.add_command(
    plain_command(
        "failback",
        "domain_failback",
        "Bring DOMAIN back to its protected site, which owns it then (training sites).",
        consent=False,
    )
)
