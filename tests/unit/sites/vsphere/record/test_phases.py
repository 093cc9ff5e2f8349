"""The table of phases: complete, and no step leads back but to the next group."""

from __future__ import annotations

from typing import NamedTuple, get_args

import pytest

from drdeck.sites.vsphere.record import phases


class Stand(NamedTuple):
    phase: str
    g: int = 1
    n: int = 3


def test_each_phase_has_its_row() -> None:
    assert tuple(phases.FAILOVER_PHASES) == get_args(phases.FailoverPhase)
    assert tuple(phases.ROLLBACK_PHASES) == get_args(phases.RollbackPhase)


@pytest.mark.parametrize("phase", phases.FAILOVER_PHASES)
@pytest.mark.parametrize("to", phases.FAILOVER_PHASES)
def test_a_failover_goes_forward_only(phase: str, to: str) -> None:
    order = list(phases.FAILOVER_PHASES)
    fields = phases.failover_step(Stand(phase), to, g=1)
    if not fields:
        assert order.index(to) <= order.index(phase) or (to in ("delay", "recovered")), (phase, to)
        return
    assert fields["phase"] == to and order.index(to) > order.index(phase)
    assert fields.get("n") == (None if phase in ("power", "delay") and to in ("delay", "recovered")
                               else 3 if to in ("point", "take") else 1)  # fmt: skip


@pytest.mark.parametrize("phase", phases.ROLLBACK_PHASES)
def test_a_rollback_skips_no_phase(phase: str) -> None:
    ways = {to: phases.rollback_step(Stand(phase), to, g=1) for to in ("revert", "power", "delay", "over")}
    assert [to for to, fields in ways.items() if fields] == {
        "off": ["revert"], "revert": ["power"], "power": ["delay", "over"], "delay": ["over"], "over": [],
    }[phase]  # fmt: skip


@pytest.mark.parametrize("phase", ["power", "delay"])
def test_groups_follow_one_another(phase: str) -> None:
    onwards = {"phase": "power", "g": 2, "n": 1}
    assert phases.failover_step(Stand(phase), "next", g=1) == onwards
    assert phases.rollback_step(Stand(phase), "next", g=1) == onwards


@pytest.mark.parametrize("to", ["next", "delay", "recovered"])
def test_a_step_of_another_group_changes_nothing(to: str) -> None:
    assert phases.failover_step(Stand("power"), to, g=0) == {}
