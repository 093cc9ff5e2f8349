"""Rows of the list: each mode has its few words."""

from __future__ import annotations

import pytest

from drdeck.console.widgets.domain_columns import domain_row
from drdeck.console.widgets.list_rows import DATA_STEP, STATE, health_head, state_text, vm_status
from drdeck.model.domains import VM_STATUS_LABELS, Health, Mode, Step, StepState
from drdeck.model.facts.life_facts import WayBack
from tests.support.console.fake_client import NOW, domain, vm


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_is_drawn_and_fits(mode: Mode) -> None:
    assert 0 < len(state_text(domain(mode=mode), NOW)) <= STATE


@pytest.mark.parametrize(
    ("number", "label", "progress", "words"),
    [
        (3, "Prepare Recovery VM ISOs", 84.0, "Rehydrating 3/15"),
        (7, DATA_STEP, 40.0, "Rehydrating 40%"),
        (7, DATA_STEP, None, "Rehydrating"),
    ],
)
def test_the_share_of_a_rehydration_is_that_of_the_data(
    number: int, label: str, progress: float | None, words: str
) -> None:
    """Else it would fall back with each step that begins."""
    step = Step(number=number, of=15, label=label, state=StepState.CURRENT, progress=progress)
    assert state_text(domain(mode=Mode.REHYDRATING, step=step), NOW) == words


def test_before_its_vms_were_read_a_domain_counts_none() -> None:
    """ "0/0" would be a statement about them."""
    row = domain(mode=Mode.UNKNOWN, mode_says="Rehydration", vms_total=0, unread=True)
    _, state, *rest = "".join(text for text, _ in domain_row(row, 120, NOW)).split()
    assert state == "Rehydration" and "/" not in "".join(rest)


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (WayBack(returning="op-1"), "Failing back"),
        (WayBack(restored_at=NOW), "Not protected"),
        (WayBack(), "Running in Failover"),
    ],
)
def test_a_domain_that_runs_here_says_how(back: WayBack, words: str) -> None:
    assert state_text(domain(mode=Mode.RUNNING_IN_FAILOVER, way_back=back), NOW) == words


@pytest.mark.parametrize(
    ("failed", "width", "text"),
    [
        (17, 24, "Health 17 of 20 FAILED"),
        (17, 20, "17 of 20 FAILED"),
        (17, 9, "17 FAILED"),
        (17, 3, "17 FAILED"),
        (0, 9, "20 ok"),
    ],
)
def test_the_health_of_all_vms_is_never_cut_to_half_a_number(failed: int, width: int, text: str) -> None:
    vms = [vm(f"vm{n}", health=Health.FAILED if n < failed else Health.OK) for n in range(20)]
    head = health_head(vms, width)
    assert head is not None and head[0] == text


@pytest.mark.parametrize("status", VM_STATUS_LABELS)
def test_a_vm_whose_check_fails_is_never_drawn_as_a_good_one(status: str) -> None:
    assert vm_status(vm("erp-db01", status=status, health=Health.FAILED)) == ("✗", "Unhealthy", "bad")
