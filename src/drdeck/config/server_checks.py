"""Checks of what the settings say of a server: its address, its certificate, its times."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from drdeck.model.text import not_in_xml, quoted
from drdeck.model.times import show_span

from .settings import JetStreamSettings, VCenterSettings
from .table_reader import RIGHT, TableReader
from .toml_places import Place

MOST_IN_A_NAME = 240
"""Characters: 80 of vCenter's, each of which may be written as %25."""
_VCenter = TypeVar("_VCenter", bound=VCenterSettings)


def span(reader: TableReader, path: Place, length: float, least: float, most: float) -> None:
    if not least <= length <= most:
        raise reader.fail(path, f"must be from {show_span(least)} to {show_span(most)}")


def absolute(base: Path, text: str) -> str:
    """A path that is meant from the settings file; ~ is the home directory."""
    try:
        return os.path.normpath(base.absolute() / Path(text).expanduser())
    except RuntimeError:  # no such user
        return text


def vcenter_checked(reader: TableReader, path: Place, vcenter: _VCenter) -> _VCenter:
    """The same with its paths absolute: the controller works in another directory."""
    for key in ("url", "username", "root"):
        no_control_characters(reader, (*path, key), getattr(vcenter, key))
    check_url(reader, (*path, "url"), vcenter.url)
    if not vcenter.root.startswith("/") or len(vcenter.root) < 2:
        raise reader.fail((*path, "root"), f"{quoted(vcenter.root)} is not {RIGHT['root']}")
    certificate_checks(reader, path, vcenter)
    span(reader, (*path, "timeout"), vcenter.timeout, 1, 3600)
    base, command = reader.file.parent, vcenter.password_command
    if command and ("/" in command[0] or command[0].startswith("~")):
        command = (absolute(base, command[0]), *command[1:])
    ca_file = vcenter.ca_file and absolute(base, vcenter.ca_file)
    return msgspec.structs.replace(vcenter, ca_file=ca_file, password_command=command)


def certificate_checks(reader: TableReader, path: Place, server: VCenterSettings | JetStreamSettings) -> None:
    """Refuse a thumbprint that is none, and two ways to believe one server."""
    if server.thumbprint is not None:
        digits = server.thumbprint.replace(":", "")
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
            raise reader.fail((*path, "thumbprint"), f"is not {RIGHT['thumbprint']}")
    checks = [k for k in ("ca_file", "thumbprint", "insecure") if getattr(server, k)]
    if len(checks) > 1:
        raise reader.fail((*path, checks[1]), f"{' and '.join(checks)} exclude each other; keep one")


def no_control_characters(reader: TableReader, path: Place, text: str) -> None:
    """Refuse what nobody means, and no vCenter's XML can hold: in double quotes a backslash begins one."""
    odd = next((c for c in text if c < " " or c == "\x7f"), None)
    forbidden = not_in_xml(text)
    if odd is None and forbidden is not None:
        raise reader.fail(
            path,
            f"{quoted(text)} has the character {forbidden!a}, which no vCenter can be told; write the name as"
            " drdeck shows it, or rename it there",
        )
    if odd is not None:
        raise reader.fail(
            path,
            f"{quoted(text)} has the control character {odd!a}; in double quotes a backslash begins one:"
            " use single quotes, 'CORP\\backup'",
        )


def check_url(reader: TableReader, path: Place, url: str) -> None:
    """Refuse what is no https address; a user name or a password in one, too."""
    parts = re.fullmatch(r"https://(?:\[[0-9A-Fa-f:]+\]|[^\s/:@\[\]]{1,253})(?::(\d{1,5}))?(?:/\S*)?", url)
    if parts is None or int(parts[1] or 443) not in range(1, 65536) or len(url) > 2000:
        raise reader.fail(path, f"{quoted(url)} is not {RIGHT[str(path[-1])]}")


def network_names(reader: TableReader, path: Place, networks: Mapping[str, str]) -> None:
    """Refuse names of networks that no vCenter could have, on either side."""
    for source, target in networks.items():
        here = (*path, source)
        for name in (source, target):
            no_control_characters(reader, here, name)
            if not name.strip() or len(name) > MOST_IN_A_NAME:
                raise reader.fail(here, f"{quoted(name)} cannot be the name of a network")
        if target == "*":
            raise reader.fail(here, 'the recovery network must be named; "*" stands for protected ones only')
