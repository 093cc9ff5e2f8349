"""Checks of what the settings say of Test Failover."""

from __future__ import annotations

import re

from drdeck.model.life.clone_kinds import kind_closed
from drdeck.model.text import quoted

from .server_checks import network_names, no_control_characters, span
from .settings import VSphereSettings
from .table_reader import TableReader
from .toml_places import Place

_SHARE = re.compile(r"\d{1,3}(\.\d+)? ?%")
_DAY_S = 86_400.0


def check_trial(reader: TableReader, path: Place, site: VSphereSettings) -> None:
    """Refuse a test folder that is the root or in it, and what else cannot be."""
    trial = site.test
    if trial is None:
        return
    folder, root = trial.folder.rstrip("/"), site.root.rstrip("/")
    no_control_characters(reader, (*path, "folder"), folder)
    if not folder.startswith("/") or len(folder) < 2:
        text = f"{quoted(folder)} is not an inventory path such as /DC0/vm/drdeck-test"
        raise reader.fail((*path, "folder"), text)
    if f"{folder}/".startswith(f"{root}/") or f"{root}/".startswith(f"{folder}/"):
        text = f"{quoted(folder)} must be outside the root {quoted(root)}, where nothing is ever destroyed"
        raise reader.fail((*path, "folder"), text)
    if closed := kind_closed(trial.how):
        raise reader.fail((*path, "how"), closed)
    if not trial.networks:
        raise reader.fail((*path, "network"), "names no isolated network")
    network_names(reader, (*path, "network"), trial.networks)
    if not _SHARE.fullmatch(trial.space):
        raise reader.fail((*path, "space"), f'{quoted(trial.space)} is not a share such as "10%"')
    if not re.fullmatch(r"[A-Za-z0-9._-]{3,30}", trial.prefix):
        text = f"{quoted(trial.prefix)} is not 3 to 30 letters, digits, dots and dashes"
        raise reader.fail((*path, "prefix"), text)
    for key, number in (("at_once", trial.at_once), ("keep_running", trial.keep_running)):
        if not 1 <= number <= 64:
            raise reader.fail((*path, key), f"{number} is not a whole number from 1 to 64")
    span(reader, (*path, "ends_after"), trial.ends_after, 60, 14 * _DAY_S)
    span(reader, (*path, "warn_after"), trial.warn_after, 60, 14 * _DAY_S)
