"""What commands and the console import before they begin: nothing that they do not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
    ("command", "most"), [("domains", 102), ("show", 102), ("cfo", 102), ("answer", 102), ("controller", 102)]
)
def test_a_command_needs_few_modules(command: str, most: int) -> None:
    loaded = modules(f"from drdeck.cli.root import cli; cli.commands[{command!r}]")
    absent = (*ENGINE, *SITES, *SCREENS, *TRAINING)
    assert [name for name in loaded if name.startswith(absent)] == []
    own = [name for name in loaded if name.partition(".")[0] == "drdeck"]
    assert len(own) <= most, own


def test_the_console_needs_no_site_and_no_engine() -> None:
    loaded = modules("import drdeck.console.app")
    assert [name for name in loaded if name.startswith((*ENGINE, *SITES))] == []
