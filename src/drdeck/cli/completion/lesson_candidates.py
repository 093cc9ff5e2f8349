"""Completion behind `drdeck train LESSON --`: any command, with the names of the lesson's own site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from drdeck.coach import lesson_state as homes
from drdeck.config.settings import TRAINING

from .candidates import silently

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def words_of_lesson(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The candidates that the line behind the lesson has by itself, asked for at the lesson's site."""
    return silently(lambda: _of_line(context, incomplete))


def _of_line(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import ShellComplete  # no command needs it

    from drdeck.coach.lesson_file import find

    root = context.find_root()
    home = homes.home_of(find(context.params["lesson"]).lesson.name, root.params.get("state"))
    before: Sequence[str] = context.params.get("words") or ()
    at_lesson = ["--config", str(home / homes.SETTINGS), "--site", TRAINING, "--state", str(home)]
    return ShellComplete(root.command, {}, "drdeck", "").get_completions([*at_lesson, *before], incomplete)
