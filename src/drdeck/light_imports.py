"""Stand-ins for large modules that libraries import and no start needs: typing_extensions, of which Python's
own typing has all that they take since 3.11; TLS, which only a site's connections use; temporary files; what
schemas and suggestions are made of; Textual's palette of commands, with the widgets of its alone."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
import typing
from collections.abc import Callable, Iterator

TYPING = "typing_extensions"
WHOLE = ("ssl", "asyncio.sslproto", "ipaddress", "mimetypes", "msgspec.inspect")
"""imported as a module: the real one comes with the first of its names that is used"""
ONLY_ASKED_FOR = {"ssl": ("SSLSocket",)}
"""classes by which asyncio sees, for each connection, that a socket is none of theirs; they make none"""
CALLED = ("difflib", "pickle", "tempfile")
"""of which functions are imported by name: the real module comes with the first call"""
UNUSED = ("rich.table", "textual.command")
"""of which classes are taken by name and never made: the console has a palette of its own"""


@contextlib.contextmanager
def stand_in() -> Iterator[None]:
    """Have the imports inside take stand-ins; what one lacks comes from the real module after all.

    A module that is imported already stays what it is, and what is imported later is the real one.
    """
    makers: dict[str, Callable[[str], object]] = {TYPING: _of_typing}
    makers |= {name: _of_module(name) for name in WHOLE}
    makers |= {name: _function_of(name) for name in CALLED}
    makers |= dict.fromkeys(UNUSED, _empty_class)
    placed = {name: _module(name, maker) for name, maker in makers.items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name, module in placed.items():
            _remove(name, module)


def _module(name: str, attribute: Callable[[str], object]) -> types.ModuleType:
    def of_its_own(attribute_name: str) -> object:
        if attribute_name.startswith("__"):
            raise AttributeError(attribute_name)  # looked for by the import itself
        return attribute(attribute_name)

    module = types.ModuleType(name)
    module.__getattr__ = of_its_own  # type: ignore[method-assign]
    return module


def _remove(name: str, module: types.ModuleType) -> None:
    if sys.modules.get(name) is module:
        del sys.modules[name]


def _real(name: str) -> types.ModuleType:
    module = sys.modules.get(name)
    if module is not None and module.__spec__ is None:  # a stand-in: no import made it
        _remove(name, module)
    return importlib.import_module(name)


def _of_typing(name: str) -> object:
    return getattr(typing, name) if hasattr(typing, name) else getattr(_real(TYPING), name)


def _of_module(module: str) -> Callable[[str], object]:
    def named(name: str) -> object:
        if name in ONLY_ASKED_FOR.get(module, ()) and module not in sys.modules:
            return _empty_class(name)
        return getattr(_real(module), name)

    return named


def _empty_class(name: str) -> type:
    return type(name, (), {})


def _function_of(module: str) -> Callable[[str], object]:
    def named(name: str) -> object:
        def function(*arguments: object, **options: object) -> object:
            return getattr(_real(module), name)(*arguments, **options)

        return function

    return named
