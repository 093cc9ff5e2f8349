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
UNUSED = (
    "textual.command",
    "textual.types",
    "textual.widgets._select",
    "textual.widgets._input",
    "rich.table",
)
"""what Textual imports for its own palette, and a field that nobody types into yet"""


def modules(code: str) -> list[str]:
    """The names of what is imported after `code`, in a process of its own."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(result.stdout.splitlines()[-1])
    return loaded


@pytest.mark.parametrize(
    ("command", "most"), [("domains", 92), ("show", 92), ("cfo", 95), ("answer", 93), ("controller", 89)]
)
def test_a_command_needs_few_modules(command: str, most: int) -> None:
    loaded = modules(f"from drdeck.cli.root import cli; cli.commands[{command!r}]")
    absent = (*ENGINE, *SITES, *SCREENS, *TRAINING)
    assert [name for name in loaded if name.startswith(absent)] == []
    assert not {"sqlite3", "difflib", "tomli_w", "email", "http.client"} & set(loaded)
    own = [name for name in loaded if name.partition(".")[0] == "drdeck"]
    assert len(own) <= most, own


def test_a_controller_answers_before_it_imports_what_drives_a_vcenter() -> None:
    """pyVmomi and the rooms of a vCenter's site take as long as all else of a controller."""
    loaded = modules("""
import tempfile
from pathlib import Path
from drdeck.config.settings import VSphereSettings
from drdeck.controller.process import serve
from drdeck.controller.passwords.password_store import PasswordStore
settings = VSphereSettings(url="https://vcsa.example/sdk", username="u", root="/DC0/vm/drdeck")
with tempfile.TemporaryDirectory() as state:
    serve.make_site("dr", settings, Path(state), PasswordStore("dr"))
""")
    assert "drdeck.controller.controller" in loaded
    late = ("drdeck.sites.vsphere", "drdeck.sites.jetstream", "drdeck.sites.training.simulation", "pyVmomi")
    assert [name for name in loaded if name.startswith((*late, "httpx", "textual"))] == []


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


def test_the_console_needs_no_site_no_engine_and_before_its_first_list_no_dialog() -> None:
    loaded = modules(
        "from drdeck import light_imports\nwith light_imports.stand_in():\n import drdeck.console.app"
    )
    flows = ("drdeck.console.actions.flows", "drdeck.console.actions.action_runner")
    absent = (
        *ENGINE,
        *SITES,
        *TRAINING,
        *flows,
        *UNUSED,
        "rich.table",
        "drdeck.controller.asking",
        "typing_extensions",
    )
    assert not {"ipaddress", "mimetypes", "msgspec.inspect", "difflib", "pickle", "statistics"} & set(loaded)
    assert [name for name in loaded if name.startswith(absent)] == []
    dialogs = [name for name in loaded if name.startswith("drdeck.console.dialogs.")]
    assert dialogs == ["drdeck.console.dialogs.dialog"]
    own = [name for name in loaded if name.partition(".")[0] == "drdeck"]
    assert len(own) <= 94, own
    assert len(loaded) <= 460


def test_what_is_imported_after_the_first_list_is_all_that_keys_lead_to() -> None:
    code = "import importlib, drdeck.console.app as a\nfor name in a.LATER: importlib.import_module(name)"
    before = modules(code)
    after = modules(
        f"{code}\nimport drdeck.console.actions.action_runner, drdeck.console.actions.plan_runner"
    )
    assert after == before
    named = [f"drdeck.console.dialogs.{name}" for name in ("ask_password", "fact_sheets", "confirmation")]
    assert set(named) <= set(before)


def test_no_command_brings_what_only_its_libraries_import() -> None:
    """Of the 0.12 s that a command may take, TLS and temporary files took a tenth."""
    loaded = modules(
        "import sys\nfrom drdeck.__main__ import main\nsys.argv[1:] = ['sites']\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert "drdeck.cli.manage_commands" in loaded
    light = {"ssl", "asyncio.sslproto", "tempfile", "typing_extensions", "ipaddress", "msgspec.inspect"}
    assert light & set(loaded) == set()


def test_a_command_that_reaches_its_controller_brings_no_tls() -> None:
    """Each connection asks whether its socket is one of TLS."""
    loaded = modules("""
import socket, tempfile
from drdeck import light_imports
with light_imports.stand_in():
    import asyncio

async def connect(address):
    _, writer = await asyncio.open_unix_connection(address)
    writer.close()

with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as server:
    server.bind(directory + "/socket")
    server.listen()
    asyncio.run(connect(directory + "/socket"))
""")
    assert {"asyncio", "tempfile"} <= set(loaded)
    assert not {"ssl", "_ssl", "asyncio.sslproto"} & set(loaded)


def test_a_stand_in_becomes_the_real_module_when_it_is_used() -> None:
    code = """
from drdeck import light_imports
with light_imports.stand_in():
    import asyncio
    from asyncio import base_events, sslproto
    from pickle import dumps, loads
    from tempfile import gettempdir
    from textual.command import Provider as unused
from textual.command import Provider
assert Provider is not unused and Provider.matcher
assert loads(dumps([1])) == [1]
assert sslproto.SSLProtocol.__module__ == "asyncio.sslproto"
import asyncio.sslproto, ssl, tempfile
assert base_events.ssl.SSLContext is ssl.SSLContext
assert sslproto.SSLProtocol is asyncio.sslproto.SSLProtocol
assert gettempdir() == tempfile.gettempdir()
with light_imports.stand_in():
    import ssl as again
assert again is ssl
"""
    assert {"ssl", "asyncio.sslproto", "tempfile", "textual.command"} <= set(modules(code))


def test_the_console_never_makes_what_has_an_empty_stand_in() -> None:
    from drdeck.console.app import DrdeckApp

    assert not DrdeckApp.ENABLE_COMMAND_PALETTE


def test_what_typing_lacks_comes_from_the_real_module() -> None:
    code = "from drdeck import light_imports\nwith light_imports.stand_in():\n from typing_extensions import"
    assert "typing_extensions" not in modules(f"{code} Self, TypeAlias")
    assert "typing_extensions" in modules(f"{code} Self, deprecated, Sentinel as absent_from_typing")
