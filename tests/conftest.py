"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import ROOT
from tests.support.appliance.sample import DOMAIN_ID, sound
from tests.support.appliance.stand_in import StandIn
from tests.support.vcenter.flow import Flow, MakeFlow
from tests.support.vcenter.simulator import CannotBuild, binary
from tests.support.vcenter.vcsim import VCenter

TESTS = ROOT / "tests"

# examples may take as long as a busy machine needs; plain `pytest` tries fewer
settings.register_profile("drdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", parent=settings.get_profile("drdeck"), max_examples=25)
settings.load_profile("drdeck")

# modules are compiled once and kept: hundreds of processes are started, each of which would do it again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# a job in the background of a shell, or under nohup, ignores these, and hands that down to what tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


OWN_TIERS = ("unit", "ui", "soak")
"""Folders directly under tests/ that are a tier of their own; all others are e2e."""
SLOW_FOLDERS = {"dialogs", "screens", "walks"}
"""Folders of the ui tier that plain `pytest` leaves out."""
LIMIT_S = 300
"""The limit of a test that says nothing, as in pyproject.toml."""


def tier_of(item: pytest.Item) -> str:
    """The tier of a test, by its folder; a unit or ui test with a vCenter simulator is e2e."""
    folder = item.path.relative_to(TESTS).parts[0]
    if folder not in OWN_TIERS or (folder != "soak" and "vcsim_built" in getattr(item, "fixturenames", ())):
        return "e2e"
    return folder


def is_quick(item: pytest.Item) -> bool:
    """Whether plain `pytest` runs a test."""
    slow = SLOW_FOLDERS.intersection(item.path.relative_to(TESTS).parts)
    return tier_of(item) in ("unit", "ui") and not slow


def is_long(item: pytest.Item) -> bool:
    """Whether a test may take longer than others: it says so by a limit of its own."""
    limit = item.get_closest_marker("timeout")
    return limit is not None and limit.args[0] > LIMIT_S


def runs_quick_ones(config: pytest.Config) -> bool:
    """Whether pytest was called plain: without a path and without -m."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    """Set how many examples are tried, before a test module is imported."""
    settings.load_profile("quick" if runs_quick_ones(config) else "drdeck")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` is: more than cores, for most tests wait for a process or a clock."""
    return min(2 * len(os.sched_getaffinity(0)), 8)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for folders of which plain `pytest` runs nothing: each worker would import them."""
    if not runs_quick_ones(config) or not collection_path.is_dir():
        return None
    parts = collection_path.relative_to(TESTS).parts if collection_path.is_relative_to(TESTS) else ()
    return True if SLOW_FOLDERS & {*parts} or (parts and parts[0] not in ("unit", "ui")) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Set the tiers, begin with what is long; without a path and without -m only the quick ones stay."""
    for item in items:
        item.add_marker(tier_of(item))
    items.sort(key=is_long, reverse=True)  # one that begins last keeps all workers but one waiting
    if not runs_quick_ones(config):
        return
    config.hook.pytest_deselected(items=[item for item in items if not is_quick(item)])
    items[:] = [item for item in items if is_quick(item)]


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


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """An appliance with one Protected Domain that is sound."""
    service = StandIn()
    service.say(DOMAIN_ID, sound())
    yield service
    service.stop()


@pytest.fixture
def make_flow(tmp_path: Path) -> Iterator[MakeFlow]:
    flows: list[Flow] = []

    def make(*args: Any, **kwargs: Any) -> Flow:
        directory = tmp_path / f"deck{len(flows)}"
        directory.mkdir()
        flows.append(Flow(directory, *args, **kwargs))
        return flows[-1]

    yield make
    for flow in flows:
        flow.stop()
