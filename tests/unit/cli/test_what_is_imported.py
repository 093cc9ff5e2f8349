"""What commands and the console import before they begin: nothing that they do not need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from drdeck.config.settings import Settings
from drdeck.controller.ipc.protocol import Listing, Welcome

ENGINE = ("drdeck.controller.executor", "drdeck.controller.controller", "drdeck.controller.reconcile")
SITES = ("drdeck.sites.vsphere", "drdeck.sites.jetstream", "drdeck.sites.training.site", "pyVmomi", "httpx")
SCREENS = ("textual", "rich", "drdeck.console")
TRAINING = ("drdeck.coach",)


def modules(code: str) -> list[str]:
    """The names of what is imported after `code`, in a process of its own."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(result.stdout)
    return loaded


@pytest.mark.parametrize(
    ("command", "most"), [("domains", 91), ("show", 91), ("cfo", 94), ("answer", 93), ("controller", 88)]
)
def test_a_command_needs_few_modules(command: str, most: int) -> None:
    loaded = modules(f"from drdeck.cli.root import cli; cli.commands[{command!r}]")
    absent = (*ENGINE, *SITES, *SCREENS, *TRAINING)
    assert [name for name in loaded if name.startswith(absent)] == []
    assert not {"sqlite3", "difflib", "tomli_w", "email", "http.client"} & set(loaded)
    own = [name for name in loaded if name.partition(".")[0] == "drdeck"]
    assert len(own) <= most, own


def test_structs_that_a_command_reads_have_no_annotation_as_text() -> None:
    """Those msgspec would compile one by one (model/frozen.py)."""
    late = {
        kind.__qualname__: texts
        for kind in structs_below(Settings, Listing, Welcome)
        if (texts := [text for text in kind.__annotations__.values() if isinstance(text, str)])
    }
    assert not late


def structs_below(*kinds: type[Any]) -> set[type[Any]]:
    """All structs that the fields of these are made of, with the classes that they inherit from."""
    below: set[type[Any]] = set()
    todo: list[Any] = list(kinds)
    while todo:
        kind = todo.pop()
        todo += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in below:
            below.add(kind)
            todo += [*kind.__mro__, *get_type_hints(kind).values()]
    return below - {msgspec.Struct}


def test_the_console_needs_no_site_and_no_engine() -> None:
    loaded = modules("import drdeck.console.app")
    assert [name for name in loaded if name.startswith((*ENGINE, *SITES))] == []
