"""Output of the commands: data on stdout, all else on stderr; and the word that calls this drdeck."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from drdeck.model.text import clean, in_json, spelled
from drdeck.terminal_info import cannot_draw, is_terminal, is_utf8, size_without_terminal, terminal_size

from . import exit_codes
from .exit_codes import Exit
from .json_shapes import Json


def readable(text: str, lines: bool = False) -> str:
    """A text for this terminal: harmless, and ASCII where the bytes of UTF-8 may be control characters."""
    text = clean(text, lines)
    return text if text.isascii() or is_utf8() else spelled(text)


def emit(data: Json) -> None:
    """One JSON object on one line."""
    say_json(msgspec.json.encode(data).decode())


def say_json(line: str) -> None:
    """A line of JSON as it is, but for characters that hide: those are escaped, and mean the same."""
    click.echo(in_json(line))


def note(text: str) -> None:
    """A sentence for the person, not for the pipe."""
    click.echo(readable(text), err=True)


quiet = False
"""With --quiet: remarks are left out."""


def remark(text: str) -> None:
    """A note that --quiet leaves out: progress, a closing sentence, what could be done next."""
    if not quiet:
        note(text)


def say(text: str = "") -> None:
    """A line of plain output."""
    click.echo(readable(text))


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
        commands = f"`{NAME} domains`, `{NAME} watch`, `{NAME} pitr run`; {without}"
        raise Exit(exit_codes.USAGE, f"the console cannot be drawn here: {reason}; {remedy}: {commands}")


def say_wrapped(text: str) -> None:
    """A sentence of plain output: on a terminal in lines of its width, for a pipe in one."""
    if not is_terminal(sys.stdout):
        say(text)
        return
    indent = " " * (len(text) - len(text.lstrip()))
    width = max(20, (terminal_size() or size_without_terminal(os.environ))[0])
    lines = textwrap.wrap(
        readable(text), width, initial_indent="", subsequent_indent=f"{indent}  ", break_on_hyphens=False
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
