"""`drdeck train`: guided walkthroughs with the console or by command line, and the instructor's hand."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from drdeck.coach import home as homes
from drdeck.coach.coach import Coach, News
from drdeck.coach.lesson import LessonError
from drdeck.coach.loading import Course, find, shipped
from drdeck.coach.progress import ProgressError
from drdeck.coach.result import lines
from drdeck.controller.aside import nobody_serving
from drdeck.controller.client import ControllerError
from drdeck.controller.logs import CONSOLE_LOG
from drdeck.files import write_private
from drdeck.model.times import show_duration
from drdeck.settings import TRAINING, SettingsError

from . import exits, output
from .context import Context, wait_for_sight
from .exits import Exit
from .instructor import inject, jump, lesson_context, reset

LONG_AGO_S = 6 * 3600
"""A lesson that was not looked at for so long is better begun anew."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Lessons(click.Group):
    """A group whose first word may be a lesson instead of a subcommand."""

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if words and self.get_command(context, words[0]) is None:
            return "lesson", lesson, words
        return super().resolve_command(context, words)

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(
            "drdeck train", "[LESSON [OPTIONS] [-- COMMAND ...] | inject ... | jump ... | reset]"
        )


@click.group(cls=Lessons, invoke_without_command=True)
@json_option
@click.pass_context
def train(click_context: click.Context, as_json: bool) -> None:
    """Guided walkthroughs on a training site; without a LESSON, their list.

    `drdeck train 1` opens the console with a coach beside it. `drdeck train 1 --judge` says how the
    lesson stands, and `drdeck train 1 -- COMMAND` gives any drdeck command to the lesson's site.
    `drdeck train lesson --help` has the options.
    """
    if click_context.invoked_subcommand is not None:
        return
    context: Context = click_context.obj
    with _told():
        rows = [_row(course, context) for course in shipped()]
    if as_json:
        output.emit({"lessons": rows})
        return
    output.table(
        ("LESSON", "TITLE", "SCENARIO", "STATE"),
        [(r["number"], r["title"], r["scenario"], _state(r)) for r in rows],
        "no lesson",
    )
    output.note("drdeck train LESSON begins one, or goes on with it")


def _row(course: Course, context: Context) -> dict[str, Any]:
    lesson = course.lesson
    begun, met, finished = False, 0, False
    with contextlib.suppress(ProgressError):  # said when the lesson is opened
        progress = homes.progress_file(homes.home_of(lesson.name, context.state)).read()
        if progress is not None:
            begun, met, finished = True, len(progress.met), progress.finished
    return {
        "number": lesson.number,
        "name": lesson.name,
        "title": lesson.title,
        "scenario": course.scenario.name,
        "objectives": len(lesson.objectives),
        "begun": begun,
        "met": met,
        "finished": finished,
    }


def _state(row: dict[str, Any]) -> str:
    if row["finished"]:
        return "finished"
    return f"{row['met']} of {row['objectives']}" if row["begun"] else "-"


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except LessonError as error:
        raise Exit(exits.USAGE, str(error)) from None
    except ProgressError as error:
        raise Exit(exits.FAILED, str(error)) from None


@train.command("lesson", hidden=True)
@click.argument("lesson", metavar="LESSON")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ...]")
@click.option("--judge", is_flag=True, help="Say how the lesson stands, without the console.")
@click.option(
    "--key", is_flag=True, help="With --judge: also how the next objective is met (counts as help)."
)
@click.option("--result", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON.")
@click.option("--speed", type=float, metavar="N", help="Seconds of the site per second.")
@click.option("--again", is_flag=True, help="Begin anew; what was there is kept aside, once.")
@json_option
@click.pass_obj
def lesson(
    context: Context,
    lesson: str,
    words: tuple[str, ...],
    judge: bool,
    key: bool,
    result: Path | None,
    speed: float | None,
    again: bool,
    as_json: bool,
) -> None:
    """Play LESSON (a number, a name, or a TOML file): with the console, or by commands after `--`."""
    if words and (judge or key or as_json):
        raise Exit(exits.USAGE, "--judge, --key and --json have no meaning with a command after --")
    if (as_json or key) and not judge:
        raise Exit(exits.USAGE, "--json and --key belong to --judge")
    if context.scenario is not None or context.speed is not None or context.site_option is not None:
        raise Exit(
            exits.USAGE, "a lesson has a site of its own; leave --site, --scenario and --speed before it out"
        )
    if speed is not None and not 0 < speed <= 100_000:
        raise SettingsError(f"--speed {speed:g} is not above 0 and at most 100000")
    with _told():
        course = find(lesson)
        home = homes.home_of(course.lesson.name, context.state)
        if again:
            asyncio.run(_begin_anew(home))
        homes.settle(course, home, speed)
        played = lesson_context(home, context.read_only)
        coach = Coach(course, home, played.paths.journal)
        _say_age(coach)
        try:
            if words:
                _command(played, coach, words)
            elif judge:
                asyncio.run(_judge(played, coach, key, as_json))
            else:
                _console(context, played, coach)
        finally:
            _keep(coach, result)


def _say_age(coach: Coach) -> None:
    """A lesson's site goes on while nobody looks; after hours its points may be out of reach."""
    if coach.progress.finished or not coach.progress.attaches or not coach.file.path.exists():
        return
    age = time.time() - coach.file.path.stat().st_mtime
    if age > LONG_AGO_S:
        again = f"drdeck train {coach.course.lesson.number or coach.course.lesson.name} --again"
        output.note(
            f"this lesson was left {show_duration(age)} ago, and its site went on; {again} begins anew"
        )


async def _begin_anew(home: Path) -> None:
    """End what runs there and put it away."""
    async with contextlib.AsyncExitStack() as stack:
        if (home / homes.SETTINGS).exists():
            with contextlib.suppress(SettingsError):  # then nothing of it can run either
                await stack.enter_async_context(nobody_serving(lesson_context(home).paths))
        homes.put_away(home)


# -- the three ways to play


def _console(context: Context, played: Context, coach: Coach) -> None:
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Exit(exits.USAGE, "the console needs a terminal; --judge and commands after -- do without")
    from drdeck.console import run

    code = run(
        lambda: played.attach("console"),
        context.settings.console,
        coach,
        read_only=context.read_only,
        log_file=played.paths.state / CONSOLE_LOG,
    )
    if coach.drop is None:
        with contextlib.suppress(ControllerError, Exit, ProgressError):  # else what was seen last counts
            asyncio.run(_look(played, coach))
    if coach.drop is not None:
        output.note(coach.drop)
        return
    found = coach.result()
    if found is not None:
        for line in lines(found):
            output.say(line)
        if not found.finished:
            output.note(
                f"drdeck train {coach.course.lesson.number or coach.course.lesson.name} goes on with it"
            )
    if code:
        raise Exit(code)


async def _judge(played: Context, coach: Coach, key: bool, as_json: bool) -> None:
    async with played.client() as client:
        await coach.observe(client)
    if key and coach.objective is not None:
        coach.give_key()
    objective, found = coach.objective, coach.result()
    if found is None:
        raise Exit(exits.UNREACHABLE, "the lesson's site was not seen")
    if as_json:
        following = None
        if objective is not None:
            following = {"id": objective.id, "text": objective.text, "hint": objective.hint}
            if key:
                following |= {"key": objective.key, "command": objective.command}
        output.emit({**msgspec.to_builtins(found), "next": following})
        return
    for line in lines(found):
        output.say(line)
    if objective is None:
        output.say(coach.course.lesson.end.strip())
        return
    if not coach.progress.met:
        output.say("Situation: " + " ".join(coach.course.lesson.situation.split()))
    output.say(f"Next: {objective.text}")
    output.say(f"Hint: {objective.hint}")
    if key:
        output.say(f"In the console: {objective.key}")
        if objective.command:
            output.say(f"By command: {objective.command}")


def _command(played: Context, coach: Coach, words: tuple[str, ...]) -> None:
    """Give a command to the lesson's site, then look what it has changed."""
    from .app import cli

    arguments = ["--config", str(played.config), "--site", TRAINING, "--state", str(played.state)]
    if played.read_only:
        arguments.append("--read-only")
    try:
        cli.main([*arguments, *words], prog_name="drdeck", standalone_mode=False)
    finally:
        with contextlib.suppress(ControllerError, Exit):  # none runs any more, or it has just been stopped
            _say_news(asyncio.run(_look(played, coach)), coach)


async def _look(played: Context, coach: Coach) -> News:
    client = await played.attach(start=False)
    try:
        await wait_for_sight(client)
        return await coach.observe(client)
    finally:
        await client.close()


def _say_news(news: News, coach: Coach) -> None:
    for text in news.met:
        output.note(f"Objective met: {text}")
    for text in news.mistakes:
        output.note(f"Mistake: {text}")
    if news.dropped and coach.drop is not None:
        output.note(coach.drop)
    if news.finished and coach.progress.result is not None:
        output.note(
            f"The lesson is finished; drdeck train {coach.course.lesson.number} --judge has the result"
        )


def _keep(coach: Coach, file: Path | None) -> None:
    """Write the result where it was asked for, finished or not."""
    found = coach.result()
    if file is None or found is None:
        return
    write_private(file, msgspec.json.format(msgspec.json.encode(found)) + b"\n")


train.add_command(inject)
train.add_command(jump)
train.add_command(reset)
