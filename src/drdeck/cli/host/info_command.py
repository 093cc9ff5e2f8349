"""`drdeck info`: versions, paths and controllers, for a bug report and for whoever looks after the host."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from importlib import metadata
from typing import Any

import click

import drdeck
from drdeck.cli import output
from drdeck.cli.context import Context, json_option
from drdeck.cli.output import called
from drdeck.config.settings import SettingsError
from drdeck.controller.ipc.client import who
from drdeck.controller.process.paths import base_directory
from drdeck.controller.process.running import controllers

from .controller_commands import shaped_controller

_LIBRARIES = ("click", "msgspec", "platformdirs", "pyvmomi", "textual", "rich", "tomli-w")
_VARIABLES = (
    "COLORTERM", "COLUMNS", "LANG", "LC_ALL", "LC_CTYPE", "LINES", "NO_COLOR", "SSH_TTY", "TERM",
    "TERM_PROGRAM", "TMUX", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
)  # fmt: skip
"""Variables of the environment that change what drdeck does, beside its own."""
SECRET_VARIABLES = "DRDECK_PASSWORD"


@click.command("info")
@json_option
@click.pass_obj
def info(context: Context, as_json: bool) -> None:
    """List versions, paths, settings and the controllers of all sites. Nothing is started, nothing asked."""
    data = asyncio.run(information(context))
    if as_json:
        output.emit(data)
        return
    for line in lines(data):
        output.say(line)


async def information(context: Context) -> dict[str, Any]:
    """Everything that `info --json` prints; no password is among it."""
    base, config = base_directory(context.state), context.config.absolute()
    running = await controllers(base)
    data: dict[str, Any] = {
        "version": drdeck.__version__,
        "program": called(),
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "system": platform.platform(),
        "who": who(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "settings": {"path": str(config), "exists": config.exists(), "error": None},
        "state": str(base),
        "site": None,
        "sites": [],
        "environment": environment(),
        "controllers": [shaped_controller(controller) for controller in running],
    }
    try:
        data["site"], paths = context.site, context.paths
        data["sites"] = sorted(context.settings.sites)
        data["paths"] = {
            "state": str(paths.state),
            "socket": str(paths.socket),
            "journal": str(paths.journal),
            "log": str(paths.log),
        }
    except (SettingsError, PermissionError) as error:
        data["settings"]["error"] = str(error)
    return data


def environment() -> dict[str, str]:
    """The variables that matter here; of a password only that it is set."""
    own = {name for name in os.environ if name.startswith("DRDECK_")}
    return {
        name: "(set)" if name.startswith(SECRET_VARIABLES) else os.environ[name]
        for name in sorted(own | {name for name in _VARIABLES if name in os.environ})
    }


def lines(data: dict[str, Any], indent: str = "") -> list[str]:
    """The same for a person: a line each, tables below their name."""
    printed: list[str] = []
    for key, value in data.items():
        if isinstance(value, dict):
            printed += [f"{indent}{key}:", *lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            printed.append(f"{indent}{key}:")
            for entry in value:
                printed += [f"{indent}  - {entry['site']}", *lines(entry, indent + "    ")]
        else:
            text = ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
            printed.append(f"{indent}{key}: {'-' if text is None else text}")
    return printed


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
