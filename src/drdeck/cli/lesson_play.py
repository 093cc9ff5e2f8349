"""Playing lessons: which there are, their own sites, and the console with a coach beside it."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drdeck.coach import lesson_state as homes
from drdeck.coach.coach import Coach, CoachNews
from drdeck.coach.lesson import LessonError
from drdeck.coach.lesson_file import Course, find, shipped
from drdeck.coach.progress import ProgressError
from drdeck.coach.result import Result, lines
from drdeck.config.settings import SettingsError
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.process.archive import nobody_serving
from drdeck.controller.process.logs import CONSOLE_LOG
from drdeck.model.times import show_duration

from . import exit_codes, output
from .context import Context, wait_for_sight
from .exit_codes import Exit
from .instructor_commands import lesson_context
from .output import TypedCall

if TYPE_CHECKING:
    from drdeck.console.dialogs.choose_lesson import LessonRow

LONG_AGO_S = 6 * 3600
"""A lesson that was not looked at for so long is better begun anew."""


@contextlib.contextmanager
def lesson_errors() -> Iterator[None]:
    """Inside, a lesson that cannot be used ends the command with its sentence."""
    try:
        yield
    except LessonError as error:
        raise Exit(exit_codes.USAGE, str(error)) from None
    except ProgressError as error:
        raise Exit(exit_codes.FAILED, str(error)) from None


def row_of(course: Course, context: Context) -> dict[str, Any]:
    """The row of a lesson in their list."""
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
        "minutes": lesson.minutes or None,
        "scenario": course.scenario.name,
        "objectives": len(lesson.objectives),
        "begun": begun,
        "met": met,
        "finished": finished,
    }


def word_and_length(row: dict[str, Any]) -> str:
    """ "1 (5 min)": how a lesson is called for, and how long it takes where its file says so."""
    return f"{row['number']} ({row['minutes']} min)" if row["minutes"] else str(row["number"])


def state_of(row: dict[str, Any]) -> str:
    """ "2 of 6", finished, or a dash before it was begun."""
    if row["finished"]:
        return "finished"
    return f"{row['met']} of {row['objectives']}" if row["begun"] else "-"


def lesson_rows(context: Context) -> list[LessonRow]:
    """The shipped lessons for a console to choose from."""
    from drdeck.console.dialogs.choose_lesson import LessonRow

    rows = [row_of(course, context) for course in shipped()]
    return [
        LessonRow(str(r["number"]), r["title"], state_of(r), _entering(r), r["minutes"] or 0) for r in rows
    ]


def _entering(row: dict[str, Any]) -> str:
    if row["finished"]:
        return "enter begins it anew; what was there is kept aside, once"
    return "enter continues it" if row["begun"] else "enter begins it"


def play(context: Context, words: str) -> None:
    """A lesson that was chosen in a console, and each that is chosen in its console: a finished one anew."""
    following: str | None = words
    while following is not None:
        with lesson_errors():
            course = find(following)
            finished = row_of(course, context)["finished"]
            following = with_console(context, *prepare(context, course, following, None, finished))


def prepare(
    context: Context, course: Course, word: str, speed: float | None, again: bool
) -> tuple[Context, Coach]:
    """The lesson's own site, and its coach, who knows the word that it was called for by.

    Raises OSError, ProgressError.
    """
    home = homes.home_of(course.lesson.name, context.state)
    if again:
        asyncio.run(_begin_anew(home))
    homes.settle(course, home, speed)
    played = lesson_context(home, context.read_only, context.log_level)
    program = context.own_call.program
    coach = Coach(course, home, played.paths.journal, program, shlex.quote(word))
    played.own_call = TypedCall(context.own_call.place, lesson=coach.call)
    return played, coach


def say_age(coach: Coach) -> None:
    """A lesson's site goes on while nobody looks; after hours its points may be out of reach."""
    if not coach.progress.attaches or not coach.file.path.exists():
        return
    if coach.progress.finished:
        output.note(f"this lesson is finished; {coach.call} --again begins it anew")
        return
    age = time.time() - coach.file.path.stat().st_mtime
    if age > LONG_AGO_S:
        output.note(
            f"this lesson was left {show_duration(age)} ago, and its site went on;"
            f" {coach.call} --again begins anew"
        )


async def _begin_anew(home: Path) -> None:
    """End what runs there and put it away."""
    async with contextlib.AsyncExitStack() as stack:
        if (home / homes.SETTINGS).exists():
            with contextlib.suppress(SettingsError):  # then nothing of it can run either
                await stack.enter_async_context(nobody_serving(lesson_context(home).paths))
        homes.put_away(home)


def with_console(context: Context, played: Context, coach: Coach) -> str | None:
    """With the console; answers the lesson that was chosen in it. What came of this one is said."""
    output.need_terminal("--judge and commands after -- do without")
    from drdeck.console import run

    say_age(coach)
    left = run(
        lambda: played.attach("console"),
        context.settings.console,
        coach,
        read_only=context.read_only,
        log_file=played.paths.state / CONSOLE_LOG,
        log_level=played.log_level,
        lessons=lambda: lesson_rows(context),
        as_typed=played.own_call.in_text,
    )
    if coach.drop is None:
        with contextlib.suppress(ControllerError, Exit, ProgressError):  # else what was seen last counts
            asyncio.run(look(played, coach))
    if coach.drop is not None:
        output.note(coach.drop)
        return None
    result = coach.result()
    if result is not None and left.lesson is None:
        _say_result(coach, result)
    if left.code:
        raise Exit(left.code)
    return left.lesson


def _say_result(coach: Coach, result: Result) -> None:
    for line in lines(result):
        output.say_wrapped(line)
    if not result.finished:
        output.note(f"{coach.call} continues it; by command: {coach.call} -- COMMAND")
        return
    if coach.course.lesson.end:
        output.say_wrapped(" ".join(coach.course.lesson.end.split()))
    following = next((c.lesson for c in shipped() if c.lesson.number == result.number + 1), None)
    if following is not None and result.number:
        output.remark(f"Next: {coach.program} train {following.number} ({following.title})")


async def look(played: Context, coach: Coach) -> CoachNews:
    """Look once, where the controller runs. Raises ControllerError, Exit, ProgressError."""
    async with played.client(start=False, sighted=False) as client:
        await wait_for_sight(client)
        return await coach.observe(client)
