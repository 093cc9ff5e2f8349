"""`drdeck doctor`: this terminal, the settings, the controller and the site; a line each, and what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

import drdeck
from drdeck import terminal_info
from drdeck.config.settings import (
    JetStreamSettings,
    Settings,
    SettingsError,
    VCenterSettings,
    VSphereSettings,
    password_site,
    password_variable,
)
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.journal.audit import verify
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.process.host_findings import host_findings
from drdeck.controller.process.site_probe import define
from drdeck.model.alarms import Finding
from drdeck.model.passwords import PROTECTED

from . import exit_codes, output
from .context import Context, json_option, runs, wait_for_sight
from .exit_codes import Exit
from .host.bug_report import refuse_existing, write_bundle
from .host.settings_commands import finding_line, shaped_findings
from .prompts import Asker, ask


@click.command("doctor")
@click.option("--strict", is_flag=True, help="Warnings too end with exit code 1.")
@click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a tar for a bug report: findings, settings, logs and journal, and no password.",
)
@click.option(
    "--define",
    "defines",
    is_flag=True,
    help="First define drdeck's attributes in the vCenter, so that its own account need not be allowed to.",
)
@click.option("--user", help="With --define: the account that may (Global.ManageCustomFields), asked for.")
@json_option
@runs
async def doctor(
    context: Context, as_json: bool, strict: bool, bundle: Path | None, defines: bool, user: str | None
) -> None:
    """Check terminal, settings, controller and site: a line each, and what to do.

    Ends with 1 when anything fails.
    """
    if bundle is not None:
        refuse_existing(bundle)
    if user is not None and not defines:
        raise SettingsError("--user goes with --define; give that as well")
    findings = []
    try:
        if defines:
            findings = [await _define(context, user)]
        findings += await _findings(context)
    except SettingsError as error:
        if bundle is None:
            raise
        findings = [Finding.fail("settings", str(error))]
    if as_json:
        output.emit({"findings": shaped_findings(findings)})
    else:
        for f in findings:
            output.say(finding_line(f))
    if bundle is not None:
        names = await write_bundle(context, findings, bundle)
        output.note(f"{bundle} holds {', '.join(names)}; names of hosts and VMs are in it, passwords are not")
    levels = {f.level for f in findings}
    if "fail" in levels or (strict and "warn" in levels):
        raise Exit(exit_codes.FAILED)


async def _define(context: Context, user: str | None) -> Finding:
    """The attributes defined, as a finding. Raises SettingsError, and ControllerError."""
    site = context.settings.site(context.site)
    account = user or getattr(site, "username", "")

    def password() -> str:
        return ask(f"Password of {account}", hidden=True)

    text = await define(context.site, site, context.paths.state, user, password)
    return _ok("definitions", text)


async def _findings(context: Context) -> list[Finding]:
    """Everything that doctor finds. Raises SettingsError."""
    findings = [*_terminal(context.settings), *_settings(context), *host_findings(context.paths)]
    try:
        async with context.client(sighted=False) as client:
            findings += await _controller(context, client)
    except ControllerError as error:
        # a site that cannot be made at all is told by the controller's start
        subject = "site" if error.code in ("unreachable", "failed") else "controller"
        findings.append(Finding.fail(subject, str(error)))
    except JournalError as error:
        findings.append(Finding.fail("journal", str(error)))
    return findings


def _ok(subject: str, text: str) -> Finding:
    return Finding.ok(subject, text)


def _terminal(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    return terminal_info.findings(
        terminal_info.terminal_size(environ),
        settings.console,
        environ,
        terminal_info.colours_of(environ),
        terminal_info.tmux_passthrough(environ),
    )


def _settings(context: Context) -> list[Finding]:
    settings = context.settings
    text = f"{context.config}, site {context.site}"
    if not context.config.exists():
        text = f"none at {context.config}: the training site is used"
    findings = [_ok("settings", text)]
    site = settings.site(context.site)
    login = site.login if isinstance(site, JetStreamSettings) else site
    if isinstance(login, VCenterSettings) and not login.password_command:
        variable = password_variable(password_site(context.site, site))
        state = "is set" if os.environ.get(variable) else "is not set, so it is asked for"
        findings.append(_ok("password", f"no password_command; {variable} {state}"))
    for variable, names in _shared(settings).items():
        findings.append(
            Finding.warn(
                "settings",
                f"the passwords of {' and '.join(names)} would come from the same variable {variable}",
                "rename one of the sites, or give them a password_command",
            )
        )
    return findings


def _shared(settings: Settings) -> dict[str, list[str]]:
    """Variables that hold the password of more than one vCenter."""
    users: dict[str, list[str]] = {}
    for name, site in settings.sites.items():
        if not isinstance(site, VSphereSettings):
            continue
        if not site.password_command:
            users.setdefault(password_variable(name), []).append(name)
        if site.protected is not None and not site.protected.password_command:
            users.setdefault(password_variable(f"{name}_{PROTECTED}"), []).append(f"{name}.{PROTECTED}")
    return {variable: names for variable, names in users.items() if len(names) > 1}


async def _controller(context: Context, client: Client) -> list[Finding]:
    status = await client.status()
    theirs = client.welcome.settings_file if client.welcome is not None else ""
    read = f", with the settings of {theirs}" if theirs and Path(theirs).exists() else ""
    findings = [_ok("controller", f"runs as process {status.pid}, drdeck {status.version}{read}")]
    if client.other_settings:
        text, _, remedy = client.other_settings.partition("; ")
        findings.append(Finding.warn("controller", text, remedy))
    if status.version != drdeck.__version__:
        findings.append(
            Finding.warn(
                "controller",
                f"is drdeck {status.version}, this is {drdeck.__version__}",
                "drdeck controller restart; operations that are open continue",
            )
        )
    findings.append(_journal(context))
    try:
        await wait_for_sight(client)
        await _protected_password(client)
    except Exit:
        pass  # why the site is out of sight is one of the findings
    return [*findings, *await client.findings()]


def _journal(context: Context) -> Finding:
    count, wrong = verify(context.paths.journal)
    if not wrong:
        return _ok("journal", f"{count} events, the chain is sound")
    return Finding.fail(
        "journal", "; ".join(wrong[:3]), "keep a copy of the file, and find out who changed it"
    )


async def _protected_password(client: Client) -> None:
    """Once, on a terminal: the protected site may want one too."""
    asker, listing = Asker(client), await client.get_listing()
    need = asker.next_login(listing, PROTECTED)
    if need is not None:
        await asker.ask(need, listing.site)
