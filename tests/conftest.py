"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.simulator import CannotBuild, binary
from tests.support.vcsim import VCenter

# examples may take as long as a busy machine needs
settings.register_profile("drdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("drdeck")

# a job in the background of a shell, or under nohup, ignores these, and hands that down to what tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
