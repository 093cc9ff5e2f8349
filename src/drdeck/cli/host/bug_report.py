"""The bundle of `drdeck doctor --bundle`: what a bug report needs, in one tar, and no secret in it."""

from __future__ import annotations

import collections
import io
import itertools
import os
import re
import tarfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec
import tomli_w

from drdeck.cli import exit_codes
from drdeck.cli.context import Context
from drdeck.cli.exit_codes import Exit
from drdeck.config.settings import SettingsError
from drdeck.controller.journal.audit import export
from drdeck.controller.journal.event_store import JournalError
from drdeck.controller.process.logs import CONSOLE_LOG, CONTROLLER_LOG, KEPT_PARTS
from drdeck.model.alarms import Finding
from drdeck.private_files import Unreadable, read_text, write_private

from .info_command import SECRET_VARIABLES, information
from .settings_commands import shaped_findings

MOST_LOG = 1_000_000
"""Bytes of the end of each log."""
EVENTS = 2_000
"""Events of the end of the journal."""
LEFT_OUT = "(left out)"
SHORTEST_SECRET = 4
"""Characters of a word that is looked for; a shorter one stands everywhere by chance."""
_QUERY = re.compile(r"\?[^\s\"']*")
README = """\
Made by `drdeck doctor --bundle`, for a bug report. Passwords are not in it: drdeck writes none, and what
stands in its variables and in the arguments of password_command is left out. Names of hosts, users, domains
and VMs are in it: read it before you give it away.

info.json       versions, paths, variables, controllers
doctor.json     what doctor found
settings.toml   the settings, without the arguments of commands and the queries of URLs
logs/           the end of each log
journal.jsonl   the last events of the journal
"""


def refuse_existing(file: Path) -> None:
    """Raises Exit where a bundle would replace something."""
    if file.exists():
        raise Exit(exit_codes.USAGE, f"{file} is there already; name another file")


async def write_bundle(context: Context, findings: Sequence[Finding], file: Path) -> list[str]:
    """Write the tar for its owner alone; returns the names in it. Raises OSError."""
    texts = {
        "README.txt": README,
        "info.json": _json(await information(context)),
        "doctor.json": _json({"findings": shaped_findings(list(findings))}),
        "settings.toml": _settings(context.config),
        **_files(context),
    }
    secrets = sorted(_secrets(context.config), key=len, reverse=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in texts.items():
            data = without(text, secrets).encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"drdeck-bundle/{name}")
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    write_private(file, packed.getvalue())
    return list(texts)


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret left out, also as XML, JSON and URLs write it."""
    for secret in secrets:
        for form in (
            secret,
            escape(secret),
            msgspec.json.encode(secret).decode()[1:-1],
            quote(secret, safe=""),
        ):
            text = text.replace(form, LEFT_OUT)
    return text


def _json(data: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=1).decode() + "\n"


def _settings(config: Path) -> str:
    try:
        data = tomllib.loads(read_text(config))
    except FileNotFoundError:
        return "# there is no settings file\n"
    except (Unreadable, tomllib.TOMLDecodeError) as error:
        return f"# it cannot be read: {error}\n"
    return tomli_w.dumps({key: _harmless(key, value) for key, value in data.items()})


def _harmless(key: str, value: Any) -> Any:
    """A value of the settings without what may be a secret; an unknown key may hold one."""
    if isinstance(value, dict):
        return {name: _harmless(name, inner) for name, inner in value.items()}
    if key == "password_command" and isinstance(value, list):
        return [*value[:1], *([LEFT_OUT] if value[1:] else [])]
    if "password" in key.lower() or "secret" in key.lower() or "token" in key.lower():
        return LEFT_OUT
    if isinstance(value, list):
        return [_harmless(key, inner) for inner in value]
    return _QUERY.sub("?" + LEFT_OUT, value) if isinstance(value, str) and "://" in value else value


def _secrets(config: Path) -> Iterator[str]:
    """Words that must not stand anywhere: of the variables, and the arguments of commands."""
    yield from (
        value
        for name, value in os.environ.items()
        if name.startswith(SECRET_VARIABLES) and len(value) >= SHORTEST_SECRET
    )
    try:
        tables: list[Any] = [tomllib.loads(read_text(config))]
    except (OSError, Unreadable, tomllib.TOMLDecodeError):
        return
    while tables:
        table = tables.pop()
        command = table.get("password_command")
        # a path is no secret, and stands in many a message; nor are words such as "show"
        words = command[1:] if isinstance(command, list) else [command]
        yield from (w for w in words if isinstance(w, str) and len(w) >= 6 and "/" not in w)
        yield from (v for k, v in table.items() if k == "password" and isinstance(v, str) and len(v) > 3)
        tables += [inner for inner in table.values() if isinstance(inner, dict)]


def _files(context: Context) -> dict[str, str]:
    """The logs and the journal of the site in use, where the settings name one."""
    try:
        paths = context.paths
    except (SettingsError, PermissionError):
        return {}
    files: dict[str, str] = {}
    names = (CONTROLLER_LOG, CONSOLE_LOG)
    for name, part in itertools.product(names, ("", *(f".{n}" for n in range(1, KEPT_PARTS + 1)))):
        log = paths.state / f"{name}{part}"
        if log.is_file():
            files[f"logs/{log.name}"] = log.read_bytes()[-MOST_LOG:].decode("utf-8", "replace")
    try:
        files["journal.jsonl"] = "\n".join(collections.deque(export(paths.journal), EVENTS)) + "\n"
    except JournalError as error:
        files["journal.jsonl"] = f"{error}\n"
    return files
