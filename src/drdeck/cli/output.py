"""Output of the commands: data on stdout, all else on stderr; and how this drdeck is called again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
import stat
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from drdeck.model.text import clean, in_json, spelled
from drdeck.terminal_info import cannot_draw, is_terminal, is_utf8, size_without_terminal, terminal_size

from . import exit_codes
from .exit_codes import Exit
from .json_shapes import Json

NAME = "drdeck"


def called() -> str:
    """A word that calls this drdeck again: "drdeck" where the shell finds it, else its path."""
    own = Path(sys.argv[0])
    if own.name != NAME:
        return NAME  # by `python -m`, or in a program of somebody's own
    import shutil  # of a command, only one that names another needs it

    installed = shutil.which(NAME)
    if installed is not None and Path(installed).exists() and own.exists() and Path(installed).samefile(own):
        return NAME
    try:
        return str(own.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(own.absolute())


class TypedCall(NamedTuple):
    """Options before the command as they were typed; those of the environment need not be repeated."""

    place: tuple[str, ...] = ()
    """--config and --state"""
    site: tuple[str, ...] = ()
    """--site and --scenario"""
    lesson: str = ""
    """how the lesson is called whose site this is: "drdeck train 2" """

    @property
    def program(self) -> str:
        """The call without what chooses a site: a lesson has its own."""
        return _line(called(), self.place)

    @property
    def alone(self) -> str:
        """The call that opens this console again."""
        return self.lesson or _line(self.program, self.site)

    def at_site(self, name: str) -> TypedCall:
        return self._replace(site=("--site", name), lesson="")

    def in_text(self, text: str) -> str:
        """The text, with each command of drdeck in it as it must be typed to reach this site."""
        return _commands().sub(self._typed, text) if NAME in text else text

    def _typed(self, match: re.Match[str]) -> str:
        if match["verb"] == "train":
            return self.program
        return f"{self.lesson} --" if self.lesson and match["verb"] else self.alone


def _line(first: str, words: Sequence[str]) -> str:
    if not words:
        return first
    import shlex  # as above

    return f"{first} {shlex.join(words)}"


VERBS: list[str] = []
"""The commands, of which the root has the list."""


@functools.cache
def _commands() -> re.Pattern[str]:
    verbs = "|".join(VERBS)
    # behind a quotation mark it is somebody's name: of a certificate, a VM, a note
    return re.compile(rf"(?<=`){NAME}(?=`)|(?<![\w./\"'-]){NAME}(?= (?P<verb>{verbs})\b)")


def own_call_of(options: Mapping[str, Any]) -> TypedCall:
    """Of the options that were typed before the command."""

    def words(*names: str) -> tuple[str, ...]:
        typed = ((f"--{name}", str(options[name])) for name in names if options.get(name) is not None)
        return tuple(word for pair in typed for word in pair)

    return TypedCall(words("config", "state"), words("site", "scenario"))


own_call = TypedCall()
"""How this drdeck was called; a command that is named in a sentence has the same options."""


def readable(text: str, lines: bool = False) -> str:
    """A text for this terminal: harmless, and ASCII where the bytes of UTF-8 may be control characters."""
    text = clean(text, lines)
    return text if text.isascii() or is_utf8() else spelled(text)


def _sentence(text: str) -> str:
    """A sentence for this terminal, whose commands can be typed as they stand."""
    return readable(own_call.in_text(text))


def emit(data: Json) -> None:
    """One JSON object on one line."""
    say_json(msgspec.json.encode(data).decode())


def say_json(line: str) -> None:
    """A line of JSON as it is, but for characters that hide: those are escaped, and mean the same."""
    click.echo(in_json(line))


def note(text: str) -> None:
    """A sentence for the person, not for the pipe."""
    click.echo(_sentence(text), err=True)


quiet = False
"""With --quiet: remarks are left out."""


def remark(text: str) -> None:
    """A note that --quiet leaves out: progress, a closing sentence, what could be done next."""
    if not quiet:
        note(text)


def say(text: str = "") -> None:
    """A line of plain output."""
    click.echo(_sentence(text))


@contextlib.contextmanager
def told_when_unread(call: Callable[[], None]) -> Iterator[None]:
    """`call` is called in the running loop once stdout is a pipe whose reader has gone.

    Else a `watch | head` would go on until something changes.
    """
    try:
        file = sys.stdout.fileno()
        pipe = stat.S_ISFIFO(os.fstat(file).st_mode)
    except (OSError, ValueError, AttributeError):
        pipe = False  # closed, or no file at all
    if not pipe:
        yield
        return
    loop = asyncio.get_running_loop()

    def reader_left() -> None:
        loop.remove_reader(file)
        call()

    loop.add_reader(file, reader_left)  # the writing end of a pipe has nothing to read but its error
    try:
        yield
    finally:
        loop.remove_reader(file)


def need_terminal(without: str) -> None:
    """Raises Exit where the console cannot be drawn; `without` names what works nevertheless."""
    if not is_terminal(sys.stdin, sys.stdout, sys.stderr):
        raise Exit(exit_codes.USAGE, f"the console needs a terminal; {without}")
    reason = cannot_draw(os.environ)
    if reason is not None:
        remedy = "set TERM to what the terminal is (xterm-256color suits most), or use commands"
        commands = f"domains, watch, pitr run; {without}"
        raise Exit(exit_codes.USAGE, f"the console cannot be drawn here: {reason}; {remedy}: {commands}")


def say_wrapped(text: str) -> None:
    """A sentence of plain output: on a terminal in lines of its width, for a pipe in one."""
    if not is_terminal(sys.stdout):
        say(text)
        return
    indent = " " * (len(text) - len(text.lstrip()))
    width = max(20, (terminal_size() or size_without_terminal(os.environ))[0])
    lines = textwrap.wrap(
        _sentence(text), width, initial_indent="", subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
    click.echo("\n".join(lines))


def cell_width(text: str) -> int:
    """Columns that a terminal takes for a text; wide (CJK) characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Columns as wide as their widest cell; `empty` when there is no row."""
    if not rows:
        note(empty)
        return
    cells = [[readable(str("-" if cell is None else cell)) for cell in row] for row in rows]
    columns = list(zip(head, *cells, strict=True))
    measures = [len if "".join(column).isascii() else cell_width for column in columns]  # of thousands, too
    widths = [max(map(measure, column)) for measure, column in zip(measures, columns, strict=True)]
    lines = []
    for row in [list(head), *cells]:
        aligned = zip(row, widths, measures, strict=True)
        padded = (cell + " " * (width - measure(cell)) for cell, width, measure in aligned)
        lines.append("  ".join(padded).rstrip())
    click.echo("\n".join(lines))
