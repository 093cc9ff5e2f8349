"""The simulator that the tests run with tells changes as a vCenter does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.vcenter.collector_patch import overlay
from tests.support.vcenter.simulator import GOPATH


def test_the_library_of_this_machine_is_patched(vcsim_built: None, tmp_path: Path) -> None:
    plan = overlay(Path(GOPATH), tmp_path)
    if plan is None:
        pytest.skip("another version of the library: its collector is used as it is")
    assert "newestOnly(updates)" in (tmp_path / "property_collector.go.txt").read_text("utf-8")
