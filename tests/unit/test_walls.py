"""The walls between the rooms, seen from a fresh interpreter: what a command drags in."""

from __future__ import annotations

import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    """Names of all modules that a statement imports."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_line_works_without_textual_and_pyvmomi() -> None:
    loaded = modules_after("import drdeck.cli.root, drdeck.__main__")
    assert "textual" not in loaded
    assert "pyVmomi" not in loaded
    assert not any(name.startswith("drdeck.sites.vsphere") for name in loaded)


def test_the_console_never_loads_a_site() -> None:
    loaded = modules_after("import drdeck.console")
    assert not any(name.startswith("drdeck.sites.") and name != "drdeck.sites.contract" for name in loaded)
    assert "pyVmomi" not in loaded


@pytest.mark.parametrize("module", ["domains", "views", "pitr", "actions", "commands", "times", "text"])
def test_the_model_imports_nothing_of_ours_but_itself(module: str) -> None:
    loaded = {m for m in modules_after(f"import drdeck.model.{module}") if m.startswith("drdeck.")}
    assert all(name.startswith("drdeck.model") for name in loaded)
    assert not {"sqlite3", "socket", "asyncio", "textual", "pyVmomi"} & modules_after(
        f"import drdeck.model.{module}"
    )
