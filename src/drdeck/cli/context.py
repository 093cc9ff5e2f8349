"""The base of every command: settings, the site in use, and a way to its controller."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import math
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import platformdirs

from drdeck.config.settings import (
    TRAINING,
    Settings,
    SettingsError,
    TrainingSettings,
    settings_digest,
)
from drdeck.config.settings_file import load
from drdeck.controller.ipc import liveness
from drdeck.controller.ipc.client import Client, ControllerError, Kind
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.journal_error import JournalError
from drdeck.controller.process.launch import attach, begin
from drdeck.controller.process.logs import USUAL_LEVEL
from drdeck.controller.process.paths import Paths, paths_for
from drdeck.controller.process.settings_in_use import SettingsInUse, scenario_path
from drdeck.model.times import show_duration
from drdeck.model.views import SOON_SEEN

from . import exit_codes, output
from .exit_codes import Exit
from .output import TypedCall
from .prompts import Asker

FIRST_SIGHT_S = 90
"""How long a command waits for the site's first view before it gives up."""
_T = TypeVar("_T")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Context(msgspec.Struct, dict=True):
    """The options before the command."""

    config: Path
    config_given: bool
    site_option: str | None
    state: Path | None
    read_only: bool
    scenario: str | None = None
    speed: float | None = None
    log_level: str = USUAL_LEVEL
    scenario_from_environment: bool = False
    file_digest: str = ""
    """of the site as the file had it when `settings` were read"""
    own_call: TypedCall = TypedCall()
    begun: Client | Future[str] | None = None
    """a controller that was asked for its list, or its start; nobody has waited for it yet"""

    @functools.cached_property
    def settings(self) -> Settings:
        settings = load(self.config, required=self.config_given)
        if self.read_only:
            settings = msgspec.structs.replace(settings, read_only=True)
        name = self.site_option or settings.default_site
        site = settings.site(name)
        self.file_digest = settings_digest(site)
        if isinstance(site, TrainingSettings):
            site = self._training(site)
            settings = msgspec.structs.replace(settings, sites={**settings.sites, name: site})
        elif (self.scenario is not None and not self.scenario_from_environment) or self.speed is not None:
            raise SettingsError(f'--scenario and --speed are for training sites; "{name}" is none')
        return settings

    def _training(self, site: TrainingSettings) -> TrainingSettings:
        """With the options of the command line; a scenario's path is meant from where it was written."""
        scenario, base = site.scenario, self.config.parent
        if self.scenario is not None:
            scenario, base = self.scenario, Path.cwd()
        scenario = scenario_path(scenario, base)
        speed = site.speed if self.speed is None else self.speed
        if not 0 < speed <= 100_000:
            raise SettingsError(f"--speed {speed:g} is not above 0 and at most 100000")
        return msgspec.structs.replace(site, scenario=scenario, speed=speed)

    @property
    def site(self) -> str:
        """The chosen site's name. Raises SettingsError when there is none of that name."""
        name = self.site_option or self.settings.default_site
        self.settings.site(name)
        return name

    def at_site(self, name: str) -> Context:
        """The same for another site; options about this one's training are left behind."""
        call = self.own_call.at_site(name)
        return msgspec.structs.replace(
            self, site_option=name, scenario=None, speed=None, begun=None, own_call=call
        )

    @property
    def fresh(self) -> bool:
        """True before anything is set up: no settings file, and the built-in training site unasked for."""
        plain = self.scenario is None and self.speed is None
        return plain and not self.config.exists() and self.site == TRAINING

    @property
    def paths(self) -> Paths:
        site = self.settings.site(self.site)
        name = self.site
        if isinstance(site, TrainingSettings):
            # each scenario has its own history, so that its journal never speaks of another's domains
            name = f"{name}-{Path(site.scenario).stem}"
        return paths_for(name, self.state)

    def arguments(self) -> list[str]:
        """The same options, for the command line of the controller process."""
        words = ["--site", self.site]
        if self.config_given:
            words += ["--config", str(self.config.absolute())]
        if self.state is not None:
            words += ["--state", str(self.state.absolute())]
        if self.read_only:
            words += ["--read-only"]
        words += ["--log-level", self.log_level]
        site = self.settings.site(self.site)
        if isinstance(site, TrainingSettings):
            words += ["--scenario", site.scenario, "--speed", str(site.speed)]
        return words

    @property
    def settings_in_use(self) -> SettingsInUse:
        """The site's settings, to be compared with those of its controller."""
        site = self.settings.site(self.site)
        return SettingsInUse(self.config, self.config_given, self.site, site, self.scenario, self.speed)

    def begin_controller(self) -> None:
        """Have the controller asked or, where none is there, started, while a console gets ready to attach.

        Raises ControllerError.
        """
        self.begun = begin(self.paths, self.arguments(), self.settings.site(self.site))

    async def attach(self, kind: Kind = "cli", start: bool = True) -> Client:
        """A connected client, its controller started when needed. Raises ControllerError.

        For a command it is minded: a controller that falls silent is said, and given up after a while.
        """
        in_use = self.settings_in_use
        begun, self.begun = self.begun, None
        client = await attach(self.paths, self.arguments(), kind, start, in_use.site, begun)
        in_use.compare(client)
        if kind == "console":
            client.beside(in_use.watch(client))
        if kind == "cli":
            client.patience_s = liveness.GIVE_UP_S
            back = functools.partial(output.note, liveness.AGAIN)
            client.beside(liveness.mind(client, functools.partial(_silent, client), back))
        return client

    @contextlib.asynccontextmanager
    async def client(
        self, start: bool = True, sighted: bool = True, stale: bool = False
    ) -> AsyncIterator[Client]:
        """A client for the length of a command; with `sighted`, once the site was seen.

        With `stale` what was seen before the site was lost will do; the command ends with `end_stale`.
        """
        client = await self.attach(start=start)
        try:
            if sighted:
                listing = await _sighted(client, stale)
                for warning in listing.warnings:
                    output.note(f"warning: {warning}")
                if listing.journal_error:
                    output.note(f"warning: {listing.journal_error}; nothing is begun until it can be")
            else:
                for warning in client.own_warnings:
                    output.note(f"warning: {warning}")
            yield client
        finally:
            await client.close()


def _silent(client: Client) -> None:
    limit = client.patience_s
    output.note(liveness.SILENT + (f"; given up after {limit:g} s of that" if math.isfinite(limit) else ""))


def end_stale(listing: Listing) -> None:
    """Raises Exit(5) when what was shown is old, because the site is out of sight."""
    if listing.error is not None:
        age = show_duration(listing.stale_s or 0)
        raise Exit(exit_codes.UNREACHABLE, f"as of {age} ago, for the site is out of sight: {listing.error}")


async def _sighted(client: Client, stale: bool) -> Listing:
    """The listing once the site was seen. Raises Exit(5), after what may be the reason was said.

    Settings that were mended are not in use yet, where the controller began with those that are wrong.
    """
    try:
        return await wait_for_sight(client, stale)
    except Exit:
        for warning in filter(None, (*client.own_warnings, client.other_settings)):
            output.note(f"warning: {warning}")
        raise


async def wait_for_sight(client: Client, stale: bool = False) -> Listing:
    """The listing once the site was seen. Raises Exit(5) when it cannot be reached.

    Asks for the password on a terminal when the site wants one.
    """
    client.subscribe()
    asker = Asker(client)
    try:
        async with asyncio.timeout(FIRST_SIGHT_S) as limit:
            while True:
                listing = client.listing
                if listing is not None:
                    if listing.error is None:
                        return listing
                    need = asker.next_login(listing) if listing.needs_password else None
                    if need is not None:
                        limit.reschedule(None)  # a person types as long as it takes
                        await asker.ask(need, listing.site)
                        limit.reschedule(asyncio.get_running_loop().time() + FIRST_SIGHT_S)
                        continue
                    tried = listing.needs_password and asker.waits(listing)
                    if not tried and listing.error not in SOON_SEEN:
                        if stale and listing.seen_at is not None:
                            return listing
                        raise Exit(exit_codes.UNREACHABLE, listing.error)
                await client.changed()
    except TimeoutError:
        raise Exit(exit_codes.UNREACHABLE, f"the site was not seen within {FIRST_SIGHT_S} s") from None


def _whole(path: Path) -> Path:
    """The absolute path; ~ is the home directory, for no shell expands it in cron or a container's ENV."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # no such user
        return path.absolute()


def context_of(options: Mapping[str, Any]) -> Context:
    """The context for the options before a command, which may be incomplete while a line is being typed."""
    config: Path | None = options["config"]
    state: Path | None = options["state"]
    return Context(
        config=_whole(config) if config else platformdirs.user_config_path("drdeck") / "settings.toml",
        config_given=config is not None,
        site_option=options["site"],
        state=_whole(state) if state else None,
        read_only=options["read_only"],
        scenario=options["scenario"],
        speed=options["speed"],
        log_level=options["log_level"] or USUAL_LEVEL,
        scenario_from_environment=bool(options.get("scenario_from_environment")),
    )


def runs(command: Callable[..., Coroutine[Any, Any, _T]]) -> Callable[..., _T]:
    """Make a click command of a coroutine that takes the Context first."""

    @click.pass_obj
    @functools.wraps(command)
    def run(context: Context, /, *args: Any, **kwargs: Any) -> _T:
        return asyncio.run(command(context, *args, **kwargs))

    return run


def exit_code_of(main: Callable[[], object]) -> int:
    """Run a command and turn every way it can end into an exit code and one sentence."""
    try:
        main()
    except Exit as end:
        return _say(str(end), end.code)
    except SettingsError as error:
        return _say(str(error), exit_codes.USAGE)
    except ControllerError as error:
        return _say(str(error), exit_codes.of_refusal(error.code))
    except JournalError as error:
        return _say(str(error), exit_codes.FAILED)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort as end:
        if isinstance(end.__cause__, KeyboardInterrupt):
            return exit_codes.INTERRUPTED
        return _say("given up", exit_codes.FAILED)
    except click.ClickException as error:
        written = io.StringIO()
        error.show(file=written)  # quotes what was typed
        with contextlib.suppress(OSError):
            click.echo(output.readable(written.getvalue().rstrip("\n"), lines=True), err=True)
        return error.exit_code
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exit_codes.FAILED
    except OSError as error:
        reason = error.strerror or str(error)
        # of a file it is named: what has no name is a stream
        place = error.filename or "the output cannot be written"
        return _say(f"{place}: {reason}", exit_codes.FAILED)
    return exit_codes.DONE


def _say(text: str, code: int) -> int:
    if text:
        with contextlib.suppress(OSError):  # nobody can be told
            output.note(f"drdeck: {text}")
    return code
