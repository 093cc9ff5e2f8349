"""Commands that are imported when they are used: one command does not wait for what the others need."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence

import click

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


def _imported(source: str) -> click.Command:
    module, _, attribute = source.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command), source
    return command
