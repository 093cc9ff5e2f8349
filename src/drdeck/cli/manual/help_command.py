"""`drdeck help COMMAND`, as many other programs have it."""

from __future__ import annotations

import click

import drdeck
from drdeck.cli import output
from drdeck.cli.context import json_option


def _commands(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The commands inside those that were typed before."""
    inner = context.find_root()
    command: click.Command | None = inner.command
    for word in (*(context.params.get("words") or ()), *context.args):
        command = command.get_command(inner, word) if isinstance(command, click.Group) else None
    names = command.list_commands(inner) if isinstance(command, click.Group) else []
    return [name for name in names if name.startswith(incomplete)]


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND ...]", shell_complete=_commands)
@click.pass_context
def help_command(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of COMMAND, or of drdeck."""
    inner = context.find_root()
    command = inner.command
    for word in words:
        if not isinstance(command, click.Group):
            raise click.UsageError(f"{inner.command_path} has no commands of its own", context)
        name, inner_command, _ = command.resolve_command(inner, [word])
        assert inner_command is not None
        inner = click.Context(inner_command, inner, info_name=name, **inner_command.context_settings)
        command = inner_command
    click.echo(command.get_help(inner))


@click.command("version")
@json_option
def version(as_json: bool) -> None:
    """Show the version, as --version does; `drdeck info` has that of the libraries too."""
    if as_json:
        output.emit({"version": drdeck.__version__})
    else:
        output.say(f"drdeck, version {drdeck.__version__}")
