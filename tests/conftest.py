"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support import ROOT
from tests.support.simulator import CannotBuild, binary
from tests.support.vcsim import VCenter

TESTS = ROOT / "tests"

# examples may take as long as a busy machine needs
settings.register_profile("drdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("drdeck")

# a job in the background of a shell, or under nohup, ignores these, and hands that down to what tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


ROOMS = {"unit": "unit", "ui": "ui", "soak": "soak"}
"""The tier of each folder directly under tests/; all others are e2e."""
NEED_A_PROCESS = {"vcsim_built", "make_flow", "make_deck", "deck"}
"""Fixtures that start a server or a controller: whoever uses one is e2e, wherever it stands."""
SLOW_FOLDERS = {"screens", "walks"}
"""Folders of the ui tier that plain `pytest` leaves out."""


def tier_of(item: pytest.Item) -> str:
    """The tier of a test (unit, ui, e2e or soak), by its folder and its fixtures."""
    tier = ROOMS.get(item.path.relative_to(TESTS).parts[0], "e2e")
    names = set(getattr(item, "fixturenames", ()))
    return "e2e" if tier in ("unit", "ui") and names & NEED_A_PROCESS else tier


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Set the tiers; without a path and without -m only the quick ones stay."""
    for item in items:
        item.add_marker(tier_of(item))
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.markexpr:
        return
    quick = [
        item
        for item in items
        if tier_of(item) in ("unit", "ui") and not SLOW_FOLDERS & set(item.path.relative_to(TESTS).parts)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(quick)])
    items[:] = quick


@pytest.fixture(scope="session")
def vcsim_built() -> None:
    """The simulator is there; else the test is skipped, or fails where DRDECK_REQUIRE_VCSIM=1."""
    try:
        binary()
    except CannotBuild as reason:
        if os.environ.get("DRDECK_REQUIRE_VCSIM") == "1":
            pytest.fail(f"DRDECK_REQUIRE_VCSIM is set, and {reason}", pytrace=False)
        pytest.skip(f"no vCenter simulator: {reason}")


@pytest.fixture
def vcenter(vcsim_built: None) -> Iterator[VCenter]:
    """A fresh recovery vCenter, with nothing laid out yet."""
    server = VCenter()
    yield server
    server.stop()


@pytest.fixture
def protected_vcenter(vcsim_built: None) -> Iterator[VCenter]:
    """A second one, for the protected site."""
    server = VCenter()
    yield server
    server.stop()


@pytest.fixture
def recovery(vcsim_built: None) -> Iterator[VCenter]:
    """A recovery vCenter whose guests boot: tools run, and an address is there, soon after power on."""
    server = VCenter(boot=0.2)
    yield server
    server.stop()
