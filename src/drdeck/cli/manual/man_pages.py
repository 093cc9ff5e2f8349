"""Man pages in troff, from what click knows of the commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from drdeck.cli import exit_codes
from drdeck.cli.output import NAME

from .examples import EXAMPLES

_LINE_START = re.compile(r"^[.']", re.MULTILINE)


def roff(text: str) -> str:
    """A text that troff prints as it is."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return _LINE_START.sub(r"\\&\g<0>", escaped)


def pages(root: click.Group, version: str) -> dict[str, str]:
    """File name -> page, of a command and of all that it holds but what is hidden."""
    top = click.Context(root, info_name=NAME, **root.context_settings)
    return {
        f"{context.command_path.replace(' ', '-')}.1": page(context, version) for context in contexts(top)
    }


def contexts(context: click.Context) -> Iterator[click.Context]:
    """The command of a context, then those that it holds, in their order."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            if not command.hidden:
                yield from contexts(click.Context(command, context, info_name=name))


def page(context: click.Context, version: str) -> str:
    """The page of one command."""
    path, command = context.command_path, context.command
    name = path.replace(" ", "-")
    parts = [
        f'.TH "{roff(name.upper())}" "1" "" "drdeck {roff(version)}" "drdeck"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(command.get_short_help_str(200).rstrip('.'))}",
        ".SH SYNOPSIS",
        f"\\fB{roff(path)}\\fR {roff(' '.join(command.collect_usage_pieces(context)))}",
        ".SH DESCRIPTION",
        *_description(inspect.cleandoc(command.help or "").split("\f")[0]),
        *_inner(context),
        *_options(context),
        *_environment(context),
        ".SH EXIT STATUS",
        *(
            line
            for code, words in exit_codes.WORDS.items()
            for line in (".TP", f"\\fB{code}\\fR", roff(words))
        ),
    ]
    lines = EXAMPLES.get(path, ())
    if lines:
        parts += [".SH EXAMPLES", ".nf", *(roff(line) for line in lines), ".fi"]
    if context.parent is not None:
        parent = context.parent.command_path.replace(" ", "-")
        parts += [".SH SEE ALSO", f"\\fB{roff(parent)}\\fR(1)"]
    return "\n".join(parts) + "\n"


def _description(text: str) -> Iterator[str]:
    """Paragraphs; those that click leaves unwrapped stay so."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b\n"):
            yield from (".nf", roff(paragraph[2:]), ".fi")
        else:
            yield roff(paragraph)


def _inner(context: click.Context) -> Iterator[str]:
    if not isinstance(context.command, click.Group):
        return
    yield ".SH COMMANDS"
    for name, command in sorted(context.command.commands.items()):
        if not command.hidden:
            inner = f"{context.command_path} {name}".replace(" ", "-")
            yield from (".TP", f"\\fB{roff(inner)}\\fR(1)", roff(command.get_short_help_str(200)))


def _options(context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            usage, words = record
            yield from (".TP", f"\\fB{roff(usage)}\\fR", roff(words))


def _environment(context: click.Context) -> Iterator[str]:
    named = {
        parameter.envvar: parameter
        for parameter in context.command.params
        if isinstance(parameter, click.Option) and isinstance(parameter.envvar, str)
    }
    if not named:
        return
    yield ".SH ENVIRONMENT"
    for variable, parameter in named.items():
        yield from (".TP", f"\\fB{roff(variable)}\\fR", f"Instead of {roff(parameter.opts[-1])}.")
