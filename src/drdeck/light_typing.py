"""A stand-in for typing_extensions while libraries are imported: a large module, of which Python's own typing
has all that they take since 3.11."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
import typing
from collections.abc import Iterator

NAME = "typing_extensions"


@contextlib.contextmanager
def stand_in() -> Iterator[None]:
    """Have the imports inside take from `typing`; what it lacks comes from the real module after all."""
    if NAME in sys.modules:
        yield
        return
    module = types.ModuleType(NAME)
    module.__getattr__ = _attribute  # type: ignore[method-assign]
    sys.modules[NAME] = module
    try:
        yield
    finally:
        if sys.modules.get(NAME) is module:
            del sys.modules[NAME]


def _attribute(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)  # looked for by the import itself
    if hasattr(typing, name):
        return getattr(typing, name)
    sys.modules.pop(NAME, None)
    return getattr(importlib.import_module(NAME), name)
