"""Commands that are imported when they are used: one command does not wait for what the others need."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence

import click

from drdeck.controller.process.logs import LEVELS

from . import output, prompts
from .manual.examples import attach as attach_examples


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands of a group, for click: name -> command. Names cost nothing, a command its module.

    `sources`: where each is, as "module:attribute"; `inside`: what belongs into a group from another module.
    """

    def __init__(
        self, parent: str, sources: Mapping[str, str], inside: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._parent, self._sources, self._inside = parent, dict(sources), inside or {}
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            command = _imported(self._sources[name])
            for source in self._inside.get(name, ()):
                assert isinstance(command, click.Group)
                command.add_command(_imported(source))
            attach_examples(command, f"{self._parent} {name}")
            _take_everywhere(command)
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._sources.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._sources[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        return name in self._sources


def _quiet(context: click.Context, option: click.Parameter, value: bool) -> None:
    output.quiet = output.quiet or value


def _verbose(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.obj.log_level = LEVELS[0]


def _no_input(context: click.Context, option: click.Parameter, value: bool) -> None:
    prompts.no_input = prompts.no_input or value


_EVERYWHERE = ((("-q", "--quiet"), _quiet), (("-v", "--verbose"), _verbose), (("--no-input",), _no_input))
"""drdeck's own flags that stand after a command too, where hands put them, and what each does there."""


def _take_everywhere(command: click.Command) -> None:
    """Have a command, and all that it holds, take those flags, unless it has one of that name itself."""
    names = {name for option in command.params for name in option.opts}
    for flags, take in _EVERYWHERE:
        if names.isdisjoint(flags):
            command.params.append(
                click.Option(flags, is_flag=True, expose_value=False, hidden=True, callback=take)
            )
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _take_everywhere(below)


def _imported(source: str) -> click.Command:
    module, _, attribute = source.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command), source
    return command
