"""`drdeck train appliance`: serve the published call for as long as the command runs."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
from pathlib import Path
from typing import Any

import click

from drdeck.cli import exit_codes, output
from drdeck.cli.context import Context, json_option, runs, wait_for_sight
from drdeck.cli.exit_codes import Exit
from drdeck.cli.instructor_commands import attach_training, lesson_option
from drdeck.config.settings import TrainingSettings
from drdeck.controller.ipc.client import Client, ControllerError

from .appliance_answer import domain_id, status_of
from .appliance_server import HEADER, ApplianceServer

ANSWER_S = 10.0
_SESSION = re.compile(r"[!-~]{8,200}")


@click.command("appliance")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="On 127.0.0.1; 0: any free one.")
@click.option("--session", metavar="ID", help="The session id to accept; a new one unless given.")
@click.option("--cert", type=click.Path(path_type=Path, dir_okay=False), help="Certificate: speak HTTPS.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Its key, if in another file.")
@lesson_option
@json_option
@runs
async def appliance(
    context: Context,
    port: int,
    session: str | None,
    cert: Path | None,
    key: Path | None,
    lesson: str | None,
    as_json: bool,
) -> None:
    """Answer the vendor's published call out of the training site, until ctrl+c.

    GET /jss/domains/azureblob/DOMAIN-ID/pitrstatus with the header fios-session, on this machine alone: for
    scripts to be tried without an appliance.
    """
    if key is not None and cert is None:
        raise Exit(exit_codes.USAGE, "--key belongs to --cert")
    if session is not None and not _SESSION.fullmatch(session):
        raise Exit(exit_codes.USAGE, "--session is 8 to 200 printable ASCII characters without a space")
    session = session or secrets.token_hex(16)
    client = await _site(context, lesson)
    try:
        listing = await wait_for_sight(client)
        server = _serve(client, port, session, cert, key)
        try:
            domains = [{"id": domain_id(d.name), "name": d.name} for d in listing.domains]
            _say(server.url, session, domains, as_json)
            await _until_stopped(client)
        finally:
            await asyncio.to_thread(server.close)
    finally:
        await client.close()


async def _site(context: Context, lesson: str | None) -> Client:
    """A client of the training site, started when needed. Raises Exit where it is none."""
    if lesson is not None:
        return await attach_training(context, lesson)
    if not isinstance(context.settings.site(context.site), TrainingSettings):
        raise Exit(exit_codes.REFUSED, f'"{context.site}" is no training site; only those answer this call')
    return await context.attach()


def _serve(client: Client, port: int, session: str, cert: Path | None, key: Path | None) -> ApplianceServer:
    loop = asyncio.get_running_loop()

    async def ask(ident: str) -> dict[str, Any] | None:
        listing = await client.get_listing()
        name = next((d.name for d in listing.domains if domain_id(d.name) == ident), None)
        if name is None:
            return None
        domain = (await client.show(name)).detail.domain
        return None if domain is None else status_of(domain)

    def answer(ident: str) -> dict[str, Any] | None:
        future = asyncio.run_coroutine_threadsafe(ask(ident), loop)
        try:
            return future.result(ANSWER_S)
        except ControllerError as error:
            raise OSError(str(error)) from None

    try:
        return ApplianceServer(port, session, answer, cert, key)
    except OSError as error:
        reason = error.strerror or error
        what = f"{error.filename}: {reason}" if error.filename else f"127.0.0.1:{port}: {reason}"
        raise Exit(exit_codes.FAILED, f"the call cannot be served: {what}") from None


def _say(url: str, session: str, domains: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        output.emit({"url": url, "session": session, "domains": domains})
        return
    output.say(f"{HEADER}: {session}")
    for domain in domains:
        output.say(f"{url}/jss/domains/azureblob/{domain['id']}/pitrstatus  {domain['name']}")
    output.note("answered until ctrl+c, on this machine alone")


async def _until_stopped(client: Client) -> None:
    """Return when the controller ends; ctrl+c and a terminate end it too."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    ended = asyncio.ensure_future(client.ended())
    waits = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({ended, waits}, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    if not stopped.is_set():
        raise Exit(exit_codes.FAILED, "the controller of the training site ended")
    ended.cancel()
