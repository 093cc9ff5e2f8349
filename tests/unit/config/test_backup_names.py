"""Snapshots of backup and replication tools are never removed, whatever patterns the settings have."""

from __future__ import annotations

import pytest

from drdeck.config.backup_names import BACKUP_NAMES, backup_name, may_prune


@pytest.mark.parametrize("tools", BACKUP_NAMES)
def test_a_tools_own_is_never_removed(tools: str) -> None:
    """Also by a pattern that the check of the settings does not know to match it."""
    name = tools.replace("*", " of erp-db01")
    for pattern in (name, "*", "[!x]*", name.upper()):
        assert not may_prune(name, (pattern,)), pattern
    assert not may_prune(name.lower(), ("*",)) and not may_prune(name.upper(), ("*",))
    assert backup_name(name) is not None


def test_what_the_settings_name_is_removed_and_nothing_else() -> None:
    assert may_prune("HBR 7", ("HBR *",)) and not may_prune("HBR 7", ())
    assert not may_prune("before the upgrade", ("HBR *",))
