"""Commands of the way back: cancel, undo, commit, restore, release."""

from __future__ import annotations

from typing import Unpack

import click

from drdeck.cli.action_commands import (
    ActOptions,
    act,
    act_options,
    cfo,
    confirm_option,
    even_though_option,
    facts_named,
    mapping_of,
    network_option,
    run_pitr_option,
    type_option,
)
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, runs
from drdeck.model.actions import Request
from drdeck.model.domains import FailoverType


@cfo.command("cancel")
@click.argument("domain", shell_complete=domain_names)
@act_options
@runs
async def cfo_cancel(context: Context, domain: str, **options: Unpack[ActOptions]) -> None:
    """Cancel the continuous failover of DOMAIN: it is imported again."""
    await act(context, Request(action="cfo_cancel", domain=domain), **options)


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
@act_options
@runs
async def failover_run(
    context: Context,
    domain: str,
    kind: str,
    run_pitr: bool,
    networks: tuple[str, ...],
    confirm: str | None,
    even_though: tuple[str, ...],
    **options: Unpack[ActOptions],
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
    await act(context, request, **options)


@failover.command("undo")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@act_options
@runs
async def failover_undo(
    context: Context, domain: str, confirm: str | None, **options: Unpack[ActOptions]
) -> None:
    """Give up what DOMAIN wrote here since its failover: it is imported again."""
    await act(context, Request(action="failover_undo", domain=domain, confirm=confirm), **options)


@failover.command("commit")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@act_options
@runs
async def failover_commit(
    context: Context, domain: str, confirm: str | None, **options: Unpack[ActOptions]
) -> None:
    """Let the failover of DOMAIN stand: it cannot be undone any more."""
    await act(context, Request(action="failover_commit", domain=domain, confirm=confirm), **options)


@cfo.command("resume")
@click.argument("domain", shell_complete=domain_names)
@act_options
@runs
async def cfo_resume(context: Context, domain: str, **options: Unpack[ActOptions]) -> None:
    """Bring DOMAIN, which was failed back from here, up to date again."""
    await act(context, Request(action="cfo_resume", domain=domain), **options)


@click.group("domain")
def domain_group() -> None:
    """A domain's return: fail it back, restore it here, or release it."""


@domain_group.command("restore")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@act_options
@runs
async def domain_restore(
    context: Context, domain: str, confirm: str | None, **options: Unpack[ActOptions]
) -> None:
    """Make this site the primary site of DOMAIN, whose failover was committed."""
    await act(context, Request(action="domain_restore", domain=domain, confirm=confirm), **options)


@domain_group.command("release")
@click.argument("domain", shell_complete=domain_names)
@confirm_option
@act_options
@runs
async def domain_release(
    context: Context, domain: str, confirm: str | None, **options: Unpack[ActOptions]
) -> None:
    """Let the other side own DOMAIN: it is imported again once its replicas are here."""
    await act(context, Request(action="domain_release", domain=domain, confirm=confirm), **options)


@domain_group.command("cancel-release")
@click.argument("domain", shell_complete=domain_names)
@act_options
@runs
async def domain_cancel_release(context: Context, domain: str, **options: Unpack[ActOptions]) -> None:
    """Keep DOMAIN here, which was released and waits for its replicas."""
    await act(context, Request(action="release_cancel", domain=domain), **options)


@domain_group.command("failback")
@click.argument("domain", shell_complete=domain_names)
@act_options
@runs
async def domain_failback(context: Context, domain: str, **options: Unpack[ActOptions]) -> None:
    """Bring DOMAIN back to its protected site, which owns it then (training sites)."""
    await act(context, Request(action="domain_failback", domain=domain), **options)
