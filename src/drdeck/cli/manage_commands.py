"""Commands about what drdeck shows of itself: its logs, its sites, the console."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from drdeck.config.settings import TRAINING
from drdeck.controller.ipc.client import UnknownCertificate
from drdeck.controller.process.log_reader import LogLine, SiteLogs
from drdeck.controller.process.logs import CONSOLE_LOG

from . import exit_codes, output
from .context import Context, json_option, runs
from .exit_codes import Exit
from .prompts import ask, confirm, may_ask

if TYPE_CHECKING:
    from drdeck.console.dialogs.choose_lesson import LessonRow
    from drdeck.console.site_mark import OtherSite

FOLLOW_S = 0.25
"""Pause between two looks at the logs."""


@click.command("logs")
@click.option("--follow", is_flag=True, help="Go on with what is added, until ctrl+c.")
@json_option
@runs
async def logs(context: Context, follow: bool, as_json: bool) -> None:
    """Show the logs of the site's controller and consoles, oldest first.

    Each line begins with who wrote it. With --follow --json: an object a line.
    """
    site_logs = SiteLogs(context.paths.state)
    if not site_logs.exist():
        waits = "; waiting for one" if follow else ""
        output.note(
            f"no controller or console of {context.site} has a log in {context.paths.state} yet{waits}"
        )
    try:
        if not follow and as_json:
            output.emit({"lines": [_shaped(line) for line in site_logs.read()]})
            return
        unread = asyncio.Event()
        with output.told_when_unread(unread.set):
            _print_lines(site_logs.read(), as_json)
            while follow and not unread.is_set():
                await asyncio.sleep(FOLLOW_S)
                _print_lines(site_logs.read(), as_json)
        if unread.is_set():
            raise BrokenPipeError
    finally:
        site_logs.close()


def _shaped(line: LogLine) -> dict[str, Any]:
    return {"source": line.source, "time": line.time or None, "text": line.text}


def _print_lines(lines: list[LogLine], as_json: bool) -> None:
    for line in lines:
        if as_json:
            output.emit(_shaped(line))
        else:
            output.say(f"{line.source:<10} {line.text}")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def sites(click_context: click.Context, as_json: bool) -> None:
    """List the sites, or add one."""
    if click_context.invoked_subcommand is not None:
        return
    context: Context = click_context.obj
    settings = context.settings
    default = context.site
    rows = []
    for name in dict.fromkeys([*settings.sites, TRAINING]):
        site = settings.site(name)
        kind, url = str(type(site).__struct_config__.tag), getattr(site, "url", None)
        rows.append({"name": name, "kind": kind, "url": url, "chosen": name == default})
    if as_json:
        output.emit({"sites": rows})
        return
    output.table(
        ("", "SITE", "KIND", "ADDRESS"),
        [("*" if r["chosen"] else "", r["name"], r["kind"], r["url"]) for r in rows],
        "no site",
    )


@sites.command("add")
@click.option("--name", help="Letters, digits, '.', '_' and '-'.")
@click.option(
    "--kind",
    type=click.Choice(["vsphere", "jetstream"]),
    default="vsphere",
    show_default=True,
    help="A vCenter, or the vendor's management appliance, which can only be looked at.",
)
@click.option("--url", help="Address of the vCenter (https://.../sdk) or of the appliance.")
@click.option("--username", help="User name at the vCenter.")
@click.option("--root", help="Folder whose child folders are the Protected Domains (/DC/vm/drdeck).")
@click.option("--vcenter", help="For an appliance: the vSphere site whose session it takes.")
@click.option("--domain", "domains", multiple=True, help="For an appliance: id of a domain; repeated.")
@click.option("--ca-file", default="", help="Certificate authority of a private server.")
@click.option("--thumbprint", default="", help="SHA-256 of its certificate.")
@click.option("--insecure", is_flag=True, help="Do not check the certificate (warned of on every screen).")
@click.option("--protected-url", default="", help="Address of the protected vCenter, for planned failovers.")
@click.option("--protected-username", default="", help="User name there; else the same.")
@click.option("--protected-root", default="", help="Folder of the domains there; else the same.")
@click.option("--all-networks", default="", help="The recovery network of all networks without another.")
@runs
async def sites_add(
    context: Context,
    name: str | None,
    kind: str,
    url: str | None,
    username: str | None,
    root: str | None,
    vcenter: str | None,
    domains: tuple[str, ...],
    ca_file: str,
    thumbprint: str,
    insecure: bool,
    protected_url: str,
    protected_username: str,
    protected_root: str,
    all_networks: str,
) -> None:
    """Ask for a site, try to connect, and write it into the settings."""
    from .host.site_adding import add  # no console waits for it

    answers: dict[str, Any] = {
        "name": name or ask("Name of the site"),
        "kind": kind,
        "ca_file": ca_file,
        "thumbprint": thumbprint,
        "insecure": insecure,
        "protected_url": protected_url,
        "protected_username": protected_username,
        "protected_root": protected_root,
        "network": all_networks,
    }
    if kind == "vsphere":
        if vcenter is not None or domains:
            raise Exit(exit_codes.USAGE, "--vcenter and --domain are for --kind jetstream")
        answers["url"] = url = url or ask("vCenter address (https://.../sdk)")
        answers["username"] = username or ask("User name")
        answers["root"] = root or ask("Folder whose child folders are the Protected Domains (/DC/vm/drdeck)")
    else:
        if username is not None or root is not None:
            text = "an appliance takes the login of a vSphere site: --vcenter instead of --username, --root"
            raise Exit(exit_codes.USAGE, text)
        answers["url"] = url = url or ask("Address of the appliance (https://...)")
        answers["vcenter"] = vcenter or ask("vSphere site whose session it takes (such as dr-west)")
        typed = domains or ask("Ids of the domains, with blanks between").split()
        answers["domains"] = list(typed)

    def pins(met: UnknownCertificate) -> bool:
        for line in met.says(url):
            output.note(line)
        return confirm("Pin this certificate?")

    remarks = await add(
        context.config,
        answers,
        lambda: ask("Password", hidden=True),
        pins if may_ask() else None,
    )
    for line in remarks:
        output.note(line)


@click.command("console")
@click.pass_obj
def console(context: Context) -> None:
    """The terminal console (what `drdeck` alone does)."""
    open_console(context)


def open_console(context: Context) -> None:
    """Draw until the operator leaves, one site after another. Raises Exit without a terminal."""
    following: Context | None = context
    while following is not None:
        following = _console_of_one_site(following)


def _other_sites(context: Context) -> list[OtherSite]:
    """The sites of the settings, for a console to go to."""
    from drdeck.console.site_mark import OtherSite

    rows = []
    for name in sorted({*context.settings.sites, TRAINING}):
        site = context.settings.site(name)
        where = getattr(site, "url", "") or site.label
        says = f"the console of {where or 'this training site'}"
        rows.append(OtherSite(name, says, "this is its console" if name == context.site else None))
    return rows


def _lesson_rows(context: Context) -> list[LessonRow]:
    from .lesson_play import lesson_rows

    return lesson_rows(context)


def _console_of_one_site(context: Context) -> Context | None:
    """Draw one site; answers with the context of the site that was chosen next."""
    output.need_terminal("`drdeck --help` lists the commands that do not")
    settings = context.settings
    context.paths  # noqa: B018  (a wrong site is said before the screen is taken)
    site = settings.site(context.site)
    context.begin_controller()
    from drdeck.console import run

    async def add_site(answers: dict[str, Any]) -> str:
        from .host.site_adding import add_from_console

        return await add_from_console(context.config, answers)

    left = run(
        lambda: context.attach("console"),
        settings.console,
        add_site=add_site,
        read_only=settings.read_only,
        fresh=context.fresh,
        log_file=context.paths.state / CONSOLE_LOG,
        log_level=context.log_level,
        lessons=lambda: _lesson_rows(context),
        sites=lambda: _other_sites(context),
        mark=(site.label, site.colour),
        as_typed=context.own_call.in_text,
    )
    if left.code:
        raise Exit(left.code)
    if left.lesson is not None:
        from .lesson_play import play

        play(context, left.lesson)
    return context.at_site(left.site) if left.site is not None else None
