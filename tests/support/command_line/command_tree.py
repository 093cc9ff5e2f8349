"""The commands of drdeck as click knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from drdeck.cli.root import cli


def commands(
    command: click.Command = cli, path: str = "drdeck", hidden: bool = False
) -> Iterator[tuple[str, click.Command]]:
    """Each command with its path; those that help does not list only when `hidden`."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            if hidden or not inner.hidden:
                yield from commands(inner, f"{path} {name}", hidden)


def parsed(words: list[str]) -> str:
    """The path of the command that a line calls, its words read as strictly as ever; nothing is run.

    Raises click.UsageError for a line that would be refused.
    """
    command: click.Command = cli
    context = cli.make_context("drdeck", list(words))
    path = ["drdeck"]
    while isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
        name, inner, left = command.resolve_command(context, rest)
        assert name is not None and inner is not None
        path.append(name)
        command, context = inner, inner.make_context(name, left, parent=context)
    return " ".join(path)
