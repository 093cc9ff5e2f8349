"""`drdeck sites clean`: what drdeck left at a site and on this host, taken away again."""

from __future__ import annotations

from typing import Any

import click

from drdeck.cli import exit_codes, output
from drdeck.cli.acting.submitting import refuse_read_only
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.prompts import ask, may_ask
from drdeck.config.settings import VSphereSettings
from drdeck.controller.process.trace_removal import TraceRemoval, trace_removal
from drdeck.model.leftovers import DomainLeftovers, Leftovers
from drdeck.model.text import some


@click.command("clean")
@click.option("--confirm", metavar="SITE", help="The site's name: consent to what cannot be undone.")
@click.option("--keep-state", is_flag=True, help="Leave the state directory of this host, with its journal.")
@click.option("--keep-vcenter", is_flag=True, help="Ask and change nothing at the site (it may be gone).")
@json_option
@runs
async def clean(
    context: Context, confirm: str | None, keep_state: bool, keep_vcenter: bool, as_json: bool
) -> None:
    """Remove what drdeck keeps about the site: its attributes in vCenter, and its state on this host.

    Refused while a controller runs, or a domain is at work. Snapshots and settings are left alone.
    """
    refuse_read_only(context)
    site = context.settings.site(context.site)
    if keep_state and (keep_vcenter or not isinstance(site, VSphereSettings)):
        raise Exit(exit_codes.USAGE, "nothing is left to remove with these options")
    async with trace_removal(context.site, site, context.paths, _password, not keep_vcenter) as removal:
        leftovers = await removal.look()
        for sentence in _says(context, leftovers, keep_state):
            output.note(sentence)
        _consent(context, leftovers, confirm)
        removed = await removal.clean_site()
        state = None if keep_state else removal.clean_state()
    _tell(context, removal, removed, state, as_json)


def _password() -> str | None:
    return ask("Password", hidden=True) if may_ask() else None


def _says(context: Context, leftovers: Leftovers, keep_state: bool) -> list[str]:
    """Sentences about what is removed, and what with it."""
    says = [_domain(domain) for domain in leftovers.domains]
    if leftovers.used_elsewhere:
        names = some(leftovers.used_elsewhere)
        says.append(f"definitions stay, for folders beside this site's root use them: {names}")
    elif leftovers.definitions:
        says.append(
            f"{len(leftovers.definitions)} definitions of custom attributes go, for the whole vCenter"
        )
    if leftovers.points:
        vms = leftovers.points_of
        says.append(f"{leftovers.points} snapshots that drdeck made, of {vms} VMs, stay: they are data")
    if not keep_state:
        says.append(
            f"{context.paths.state} is deleted with its journal, the evidence of failovers; `drdeck audit"
            " export` keeps that, and --keep-state all of it"
        )
    return says


def _domain(domain: DomainLeftovers) -> str:
    if domain.hindrance:
        return f"{domain.name} {domain.hindrance}"
    return f"{domain.name}: nobody knows any more {domain.says}"


def _consent(context: Context, leftovers: Leftovers, confirm: str | None) -> None:
    """Raises Exit(3) without the site's name, or where a domain is at work."""
    hindered = [domain for domain in leftovers.domains if domain.hindrance]
    if hindered:
        raise Exit(exit_codes.REFUSED, f"{_domain(hindered[0])}; nothing was removed")
    if confirm is None and may_ask():
        confirm = ask(f"Type {context.site} to remove this; anything else leaves it")
    if confirm != context.site:
        raise Exit(
            exit_codes.REFUSED,
            f"nothing was removed: that cannot be undone, and needs --confirm {context.site}",
        )


def _tell(
    context: Context, removal: TraceRemoval, removed: Leftovers, state: bool | None, as_json: bool
) -> None:
    if as_json:
        domains: list[dict[str, Any]] = [
            {"name": domain.name, "attributes": list(domain.attributes)} for domain in removed.domains
        ]
        output.emit(
            {
                "domains": domains,
                "definitions": list(removed.definitions),
                "points_left": removed.points,
                "state": str(context.paths.state) if state else None,
            }
        )
        return
    if removal.leaves_at_site:
        output.say(f"the records of {len(removed.domains)} domains were removed from vCenter")
    if state is not None:
        output.say(f"{context.paths.state} {'was deleted' if state else 'was not there'}")
    if context.config.exists():
        output.note(f"the site stays in {context.config}; take its tables out by hand")
