"""A vCenter that stands still for some seconds, as it may when busy: said, and nothing is read anew."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.figures.pause import ANEW, calls_after_a_pause
from tests.support.vcenter.vcsim import VCenter


async def test_a_pause_of_four_seconds(tmp_path: Path, vcenter: VCenter) -> None:
    calls = await calls_after_a_pause(tmp_path, vcenter)
    assert not any(calls[call] for call in ANEW), calls
