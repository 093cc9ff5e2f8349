"""The instructor's hand: `drdeck train inject`, `jump` and `reset`, from another terminal."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from drdeck.coach import lesson_state as homes
from drdeck.coach.lesson import LessonError
from drdeck.coach.lesson_file import find
from drdeck.config.settings import TRAINING, TrainingSettings
from drdeck.controller.ipc.client import Client, Disconnected
from drdeck.controller.process.archive import set_aside
from drdeck.controller.process.logs import USUAL_LEVEL
from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.model.times import parse_duration, show

from . import exit_codes, output
from .completion.candidates import domain_names, lesson_words, vms_to_hit
from .context import Context, json_option, runs, wait_for_sight
from .exit_codes import Exit

lesson_option = click.option(
    "--lesson",
    metavar="LESSON",
    shell_complete=lesson_words,
    help="The lesson's site, where several run.",
)


@click.command("inject")
@click.argument("fault", metavar="FAULT", type=click.Choice(FAULT_KINDS))
@click.option(
    "--domain",
    metavar="D",
    shell_complete=domain_names,
    help="The domain that it hits; needed where there are several.",
)
@click.option(
    "--vm",
    "vms",
    multiple=True,
    metavar="NAME",
    shell_complete=vms_to_hit,
    help="The VM that it hits; may be repeated.",
)
@click.option("--for", "length", metavar="DURATION", help="30s, 5m, 1h; for good unless given (store: 5m).")
@click.option("--times", type=int, default=1, show_default=True, help="How often it strikes a VM.")
@lesson_option
@json_option
@runs
async def inject(
    context: Context,
    fault: str,
    domain: str | None,
    vms: tuple[str, ...],
    length: str | None,
    times: int,
    lesson: str | None,
    as_json: bool,
) -> None:
    """Throw FAULT into the training site that runs, now.

    FAULT: object_store_lost, power_on_fails, shutdown_fails, foreign_snapshot, slow_vm, foreign_disk or
    late_clone.
    """
    for_s = None if length is None else _seconds(length)
    client = await attach_training(context, lesson)
    try:
        await wait_for_sight(client)
        says = await client.inject(fault, domain, vms, for_s, times)
    finally:
        await client.close()
    if as_json:
        output.emit({"injected": list(says)})
        return
    for text in says:
        output.say(text)


@click.command("jump")
@click.argument("duration")
@lesson_option
@json_option
@runs
async def jump(context: Context, duration: str, lesson: str | None, as_json: bool) -> None:
    """Move the clock of the training site that runs on by DURATION (30s, 15m, 2h, 3d)."""
    seconds = _seconds(duration)
    client = await attach_training(context, lesson)
    try:
        await wait_for_sight(client)
        now = await client.jump(seconds)
    finally:
        await client.close()
    if as_json:
        output.emit({"now": show(now)})
    else:
        output.say(f"it is {show(now.replace(microsecond=0))} at the site")


@click.command("reset")
@json_option
@runs
async def reset(context: Context, as_json: bool) -> None:
    """Set what the training site has kept aside, journal and all, and begin anew.

    Nothing is deleted; the site's controller is ended. Of a lesson: `drdeck train LESSON --again`.
    """
    if not isinstance(context.settings.site(context.site), TrainingSettings):
        raise Exit(exit_codes.REFUSED, f'"{context.site}" is no training site; only those can be reset')
    kept = await set_aside(context.paths)
    if as_json:
        output.emit({"kept": None if kept is None else str(kept)})
    elif kept is None:
        output.note(f"there was nothing to set aside at {context.paths.state}")
    else:
        output.say(f"what was there is kept at {kept}")


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Exit(exit_codes.USAGE, str(error)) from None


async def attach_training(context: Context, lesson: str | None) -> Client:
    """A client of the site named, else of the only one that runs or that has a console."""
    if lesson is not None:
        try:
            home = homes.home_of(find(lesson).lesson.name, context.state)
        except LessonError as error:
            raise Exit(exit_codes.USAGE, str(error)) from None
        if not (home / homes.SETTINGS).exists():
            raise Exit(exit_codes.FAILED, f"lesson {lesson} was not begun; drdeck train {lesson} begins it")
        return await lesson_context(home).attach(start=False)
    training = isinstance(context.settings.site(context.site), TrainingSettings)
    if context.site_option is not None or context.scenario is not None or not training:
        return await context.attach(start=False)
    places = [(f"the site {context.site}", context)]
    places += [(f"the lesson {home.name}", lesson_context(home)) for home in homes.homes(context.state)]
    running: list[tuple[str, Client]] = []
    for label, place in places:
        with contextlib.suppress(Disconnected):
            running.append((label, await place.attach(start=False)))
    if not running:
        raise Exit(exit_codes.FAILED, "no training site runs; `drdeck` or `drdeck train 1` starts one")
    meant = running if len(running) == 1 else [site for site in running if (await site[1].status()).consoles]
    for site in running:
        if len(meant) != 1 or site is not meant[0]:
            await site[1].close()
    if len(meant) != 1:
        names = ", ".join(label for label, _ in running)
        raise Exit(
            exit_codes.USAGE,
            f"several training sites run: {names}; say which, with --lesson, or --site before train",
        )
    if len(running) > 1:
        output.note(f"{meant[0][0]}, where a console is attached:")
    return meant[0][1]


def lesson_context(home: Path, read_only: bool = False, log_level: str = USUAL_LEVEL) -> Context:
    """The options with which a command reaches a lesson's own site."""
    return Context(
        config=home / homes.SETTINGS,
        config_given=True,
        site_option=TRAINING,
        state=home.absolute(),
        read_only=read_only,
        log_level=log_level,
    )
