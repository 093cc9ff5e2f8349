"""Commands about drdeck itself: its controller, its sites, its health, the console."""

from __future__ import annotations

import locale
import os
import sys
from typing import Any

import click

import drdeck
from drdeck.controller.client import ControllerError, Disconnected
from drdeck.model.domains import Finding
from drdeck.model.times import show
from drdeck.settings import TRAINING

from . import exits, output
from .adding import add, add_from_console
from .context import Context, runs, wait_for_sight
from .exits import Exit
from .prompts import ask

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def controller() -> None:
    """The process behind the consoles."""


@controller.command("start")
@runs
async def controller_start(context: Context) -> None:
    """Start the controller of the site, unless it runs."""
    async with context.client(sighted=False) as client:
        status = await client.status()
    output.note(f"the controller of {status.site} runs as process {status.pid}")


@controller.command("stop")
@click.option("--force", is_flag=True, help="Also with operations open; they go on at the next start.")
@runs
async def controller_stop(context: Context, force: bool) -> None:
    """End the controller of the site."""
    try:
        client = await context.attach(start=False)
    except Disconnected:
        output.note(f"no controller of {context.site} runs")
        return
    try:
        await client.stop(force)
        await client.closed.wait()
    finally:
        await client.close()


@controller.command("status")
@json_option
@runs
async def controller_status(context: Context, as_json: bool) -> None:
    """Say whether a controller of the site runs, and what it does."""
    try:
        client = await context.attach(start=False)
    except Disconnected:
        raise Exit(exits.FAILED, f"no controller of {context.site} runs") from None
    try:
        status = await client.status()
    finally:
        await client.close()
    data: dict[str, Any] = {
        "pid": status.pid,
        "site": status.site,
        "since": show(status.since),
        "consoles": list(status.consoles),
        "operations": list(status.operations),
        "version": status.version,
    }
    if as_json:
        output.emit(data)
        return
    for key, value in data.items():
        output.say(f"{key}: {', '.join(value) or 'none' if isinstance(value, list) else value}")


@controller.command("serve", hidden=True)
@click.pass_obj
def controller_serve(context: Context) -> None:
    """Be the controller (started by `start` and by the consoles)."""
    from drdeck.controller.process import serve

    code = serve(context.settings, context.site, context.paths)
    if code:
        raise Exit(code)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def sites(click_context: click.Context, as_json: bool) -> None:
    """List the sites, or add one."""
    if click_context.invoked_subcommand is not None:
        return
    context: Context = click_context.obj
    settings = context.settings
    chosen = context.site
    rows = []
    for name in dict.fromkeys([*settings.sites, TRAINING]):
        site = settings.site(name)
        kind = str(type(site).__struct_config__.tag)
        rows.append({"name": name, "kind": kind, "url": getattr(site, "url", None), "chosen": name == chosen})
    if as_json:
        output.emit({"sites": rows})
        return
    output.table(
        ("", "SITE", "KIND", "ADDRESS"),
        [("*" if r["chosen"] else "", r["name"], r["kind"], r["url"]) for r in rows],
        "no site",
    )


@sites.command("add")
@click.option("--name", prompt="Name of the site", help="Letters, digits, '.', '_' and '-'.")
@click.option("--url", prompt="vCenter address (https://.../sdk)")
@click.option("--username", prompt="User name")
@click.option("--root", prompt="Folder whose child folders are the Protected Domains (/DC/vm/drdeck)")
@click.option("--ca-file", default="", help="Certificate authority of a private vCenter.")
@click.option("--thumbprint", default="", help="SHA-256 of its certificate.")
@click.option("--insecure", is_flag=True, help="Do not check the certificate (warned of on every screen).")
@runs
async def sites_add(
    context: Context,
    name: str,
    url: str,
    username: str,
    root: str,
    ca_file: str,
    thumbprint: str,
    insecure: bool,
) -> None:
    """Ask for a vSphere site, try to connect, and write it into the settings."""
    given = {
        "name": name,
        "url": url,
        "username": username,
        "root": root,
        "ca_file": ca_file,
        "thumbprint": thumbprint,
        "insecure": insecure,
    }
    said = await add(context.config, given, lambda: ask("Password", hidden=True))
    for line in said:
        output.note(line)


@click.command("doctor")
@json_option
@runs
async def doctor(context: Context, as_json: bool) -> None:
    """Check settings, terminal, locale, controller and site: a line each, and what to do."""
    findings = [*_local_findings(context)]
    try:
        async with context.client(sighted=False) as client:
            status = await client.status()
            findings.append(_ok("controller", f"runs as process {status.pid}, drdeck {status.version}"))
            if status.version != drdeck.__version__:
                findings.append(
                    Finding(
                        level="warn",
                        subject="controller",
                        text=f"is drdeck {status.version}, this is {drdeck.__version__}",
                        remedy="drdeck controller stop, when no operation is open",
                    )
                )
            await wait_for_sight(client)
            findings += await client.findings()
    except (ControllerError, Exit) as error:
        known = isinstance(error, Exit) or error.code in ("unreachable", "failed")
        findings.append(Finding(level="fail", subject="site" if known else "controller", text=str(error)))
    if as_json:
        output.emit(
            {
                "findings": [
                    {"level": f.level, "subject": f.subject, "text": f.text, "remedy": f.remedy or None}
                    for f in findings
                ]
            }
        )
    else:
        for f in findings:
            remedy = f" -> {f.remedy}" if f.remedy else ""
            output.say(f"{f.level:<4}  {f.subject}: {f.text}{remedy}")
    if any(f.level == "fail" for f in findings):
        raise Exit(exits.FAILED)


def _ok(subject: str, text: str) -> Finding:
    return Finding(level="ok", subject=subject, text=text)


def _local_findings(context: Context) -> list[Finding]:
    found = []
    if context.config.exists():
        found.append(_ok("settings", f"{context.config}, site {context.site}"))
    else:
        found.append(_ok("settings", f"none at {context.config}: the training site is used"))
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        found.append(
            Finding(
                level="warn",
                subject="terminal",
                text=f"TERM is {term or 'not set'}",
                remedy="the console needs a terminal; the commands work without",
            )
        )
    else:
        found.append(_ok("terminal", term))
    encoding = locale.getpreferredencoding(False)
    if encoding.upper().replace("-", "") == "UTF8" and (sys.stdout.encoding or "").lower().startswith("utf"):
        found.append(_ok("locale", encoding))
    else:
        found.append(
            Finding(
                level="warn",
                subject="locale",
                text=f"{encoding}: the console draws in ASCII",
                remedy="set LANG to a UTF-8 locale such as C.UTF-8",
            )
        )
    return found


@click.command("console")
@click.pass_obj
def console(context: Context) -> None:
    """The terminal console (what `drdeck` alone does)."""
    open_console(context)


def open_console(context: Context) -> None:
    """Draw until the operator leaves. Raises Exit without a terminal."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Exit(
            exits.USAGE, "the console needs a terminal; `drdeck --help` lists the commands that do not"
        )
    settings = context.settings
    context.paths  # noqa: B018  (a wrong site is said before the screen is taken)
    from drdeck.console import run

    async def add_site(given: dict[str, Any]) -> str:
        return await add_from_console(context.config, given)

    code = run(
        lambda: context.attach("console"),
        settings.console,
        add_site=add_site,
        read_only=settings.read_only,
        fresh=context.fresh,
    )
    if code:
        raise Exit(code)
