"""`drdeck train`: guided walkthroughs with the console or by command line, and the instructor's hand."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click
import msgspec
from click.shell_completion import CompletionItem

from drdeck.coach.coach import Coach, CoachNews
from drdeck.coach.lesson_file import find, shipped
from drdeck.coach.result import lines
from drdeck.config.settings import TRAINING, SettingsError
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.text import in_json
from drdeck.private_files import write_private

from . import exit_codes, output
from .appliance.appliance_command import appliance
from .completion.candidates import lesson_words, lessons
from .completion.lesson_candidates import words_of_lesson
from .context import Context, json_option
from .exit_codes import Exit
from .instructor_commands import inject, jump, reset
from .lesson_play import (
    lesson_errors,
    look,
    play,
    prepare,
    row_of,
    say_age,
    state_of,
    with_console,
    word_and_length,
)


class Lessons(click.Group):
    """A group whose first word may be a lesson instead of a subcommand."""

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if words and self.get_command(context, words[0]) is None:
            return "lesson", lesson, words
        return super().resolve_command(context, words)

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        typed = [item for item in lessons() if item.value.startswith(incomplete)]
        return [*super().shell_complete(context, incomplete), *typed]

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(
            "drdeck train",
            "[LESSON [OPTIONS] [-- COMMAND ...] | inject | jump | reset | appliance]",
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
    with lesson_errors():
        rows = [row_of(course, context) for course in shipped()]
    if as_json:
        output.emit({"lessons": rows})
        return
    output.table(
        ("LESSON", "TITLE", "SCENARIO", "STATE"),
        [(word_and_length(r), r["title"], r["scenario"], state_of(r)) for r in rows],
        "no lesson",
    )
    output.remark("drdeck train LESSON begins one, or continues it")


@train.command("lesson", hidden=True)
@click.argument("lesson", metavar="LESSON", shell_complete=lesson_words)
@click.argument(
    "words",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[-- COMMAND ...]",
    shell_complete=words_of_lesson,
)
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
        raise Exit(exit_codes.USAGE, "--judge, --key and --json have no meaning with a command after --")
    if (as_json or key) and not judge:
        raise Exit(exit_codes.USAGE, "--json and --key belong to --judge")
    if context.own_call.site or context.speed is not None:  # of the environment they are left alone
        raise Exit(
            exit_codes.USAGE,
            "a lesson has a site of its own; leave --site, --scenario and --speed before it out",
        )
    if speed is not None and not 0 < speed <= 100_000:
        raise SettingsError(f"--speed {speed:g} is not above 0 and at most 100000")
    with lesson_errors():
        course = find(lesson)
        played, coach = prepare(context, course, lesson, speed, again)
        following: str | None = None
        try:
            if words:
                _command(played, coach, words)
            elif judge:
                asyncio.run(_judge(played, coach, key, as_json))
            else:
                following = with_console(context, played, coach)
        finally:
            _keep(coach, result)
    if following is not None:
        play(context, following)


async def _judge(played: Context, coach: Coach, key: bool, as_json: bool) -> None:
    async with played.client() as client:
        await coach.observe(client)
    if key and coach.objective is not None:
        coach.give_key()
    objective, standing = coach.objective, coach.result()
    if standing is None:
        raise Exit(exit_codes.UNREACHABLE, "the lesson's site was not seen")
    if as_json:
        following = None
        if objective is not None:
            following = {"id": objective.id, "text": objective.text, "hint": objective.hint}
            if key:
                following |= {"key": objective.key, "command": objective.command}
        output.emit({**msgspec.to_builtins(standing), "next": following})
        return
    for line in lines(standing):
        output.say_wrapped(line)
    if objective is None:
        output.say_wrapped(" ".join(coach.course.lesson.end.split()))
        return
    if not coach.progress.met:
        output.say_wrapped("Situation: " + " ".join(coach.course.lesson.situation.split()))
    output.say_wrapped(f"Next: {objective.text}")
    output.say_wrapped(f"Hint: {coach.typed(objective.hint)}")
    if key:
        output.say_wrapped(f"In the console: {coach.typed(objective.key)}")
        if objective.command:
            output.say(f"By command: {coach.typed(objective.command)}")
        return
    output.note(f"By command: {coach.call} -- COMMAND, such as {coach.call} -- domains")
    output.note(
        f"{coach.call} --judge --key says what to type; it counts as help, as each hint in the console does"
    )


def _command(played: Context, coach: Coach, words: tuple[str, ...]) -> None:
    """Give a command to the lesson's site, then look what it has changed."""
    say_age(coach)
    arguments = ["--config", str(played.config), "--site", TRAINING, "--state", str(played.state)]
    if played.read_only:
        arguments.append("--read-only")
    output.own_call = played.own_call
    try:
        root = click.get_current_context().find_root().command
        root.main([*arguments, *words], prog_name="drdeck", standalone_mode=False)
    finally:
        with contextlib.suppress(ControllerError, Exit):  # none runs any more, or it has just been stopped
            _say_news(asyncio.run(look(played, coach)), coach)


def _say_news(news: CoachNews, coach: Coach) -> None:
    for text in news.met:
        output.note(f"Objective met: {text}")
    for text in news.mistakes:
        output.note(f"Mistake: {text}")
    if news.dropped and coach.drop is not None:
        output.note(coach.drop)
    if news.finished and coach.progress.result is not None:
        output.note(f"The lesson is finished; {coach.call} --judge has the result")


def _keep(coach: Coach, file: Path | None) -> None:
    """Write the result where it was asked for, finished or not."""
    result = coach.result()
    if file is None or result is None:
        return
    lines = msgspec.json.format(msgspec.json.encode(result)).decode().split("\n")
    write_private(file, "".join(f"{in_json(line)}\n" for line in lines).encode())


train.add_command(appliance)
train.add_command(inject)
train.add_command(jump)
train.add_command(reset)
