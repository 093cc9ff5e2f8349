"""The barrier of a common rollback: nothing starts while one domain hangs, but for a release by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.journal.operations import OperationState
from drdeck.controller.journal.runs import Batch, RunStop
from drdeck.controller.plans.barrier import holders, to_lift
from tests.support.plans.plan_build import NOW, ago, end, frozen, operation, run

NAMES = ("ad", "pki", "erp", "files")
RUN = run(frozen({"first": ["ad", "pki"], "second": ["erp", "files"]}), *NAMES)
OPS = {name: f"back-{name}" for name in NAMES}


def batch(**changes: Any) -> Batch:
    usual: dict[str, Any] = {
        "id": "back-1",
        "action": "pitr_run",
        "actor": "ann@jump",
        "asked_at": ago(300),
        "domains": NAMES,
        "to": ago(3600),
        "operations": OPS,
        "barrier": True,
    }
    return Batch(**{**usual, **changes})


def lifted(b: Batch, *reverted: str, **operations: Any) -> set[str]:
    """Names whose VMs may start now, where these domains are reverted."""
    by_id = {OPS[name]: operation(name) for name in NAMES} | {OPS[n]: op for n, op in operations.items()}
    ids = to_lift(RUN, b, {OPS[name] for name in reverted}, by_id, NOW)
    return {name for name, ident in OPS.items() if ident in ids}


def test_one_domain_that_hangs_holds_all_and_is_released_by_its_name_only() -> None:
    reverted = ("ad", "pki", "erp")
    assert holders(batch(), {OPS[name] for name in reverted}) == ("files",)
    assert lifted(batch(), *reverted) == set()
    for other in ("ad", "erp", "nobody"):
        assert lifted(batch(released=frozenset({other})), *reverted) == set(), "another name releases nothing"
    assert lifted(batch(released=frozenset({"files"})), *reverted) == {"ad", "pki"}


@pytest.mark.parametrize(
    ("changes", "holding"),
    [
        ({"ends": {OPS["files"]: end()}}, ()),  # over
        ({"ends": {OPS["files"]: end(OperationState.FAILED)}}, ("files",)),  # it may not be reverted
        ({"ends": {OPS["files"]: end(OperationState.ABORTED)}}, ("files",)),
        ({"operations": {n: op for n, op in OPS.items() if n != "files"}}, ("files",)),  # not begun
        ({"stopped": {"files": RunStop(why="busy", code="rule", at=NOW)}}, ("files",)),
        ({"lifted": frozenset(OPS.values())}, ()),  # its VMs start already
    ],
)
def test_what_is_not_known_to_be_reverted_holds(changes: dict[str, Any], holding: tuple[str, ...]) -> None:
    assert holders(batch(**changes), {OPS[name] for name in ("ad", "pki", "erp")}) == holding


def test_the_second_wave_starts_once_the_first_is_over_or_asks_for_long() -> None:
    first = frozenset({OPS["ad"], OPS["pki"]})
    going = batch(lifted=first)
    assert lifted(going, "erp", "files") == set(), "the first wave starts still"
    asks = {"ad": operation("ad", asks_since=ago(10)), "pki": operation("pki", asks_since=ago(1000))}
    assert lifted(going, "erp", "files", **asks) == set()
    over = msgspec.structs.replace(going, ends={OPS["ad"]: end()})
    assert lifted(over, "erp", "files", **asks) == {"erp", "files"}


@given(
    reverted=st.sets(st.sampled_from(NAMES)),
    released=st.frozensets(st.sampled_from(NAMES)),
    over=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(list(OperationState)[2:])),
)
def test_nothing_starts_before_all_are_reverted_or_released(
    reverted: set[str], released: frozenset[str], over: dict[str, OperationState]
) -> None:
    b = batch(released=released, ends={OPS[name]: end(state) for name, state in over.items()})
    safe = reverted | released | {name for name, state in over.items() if state is OperationState.DONE}
    safe -= {n for n, state in over.items() if state is not OperationState.DONE and n not in released}
    starts = lifted(b, *reverted)
    assert not starts or safe == set(NAMES)
    assert starts <= reverted - over.keys(), "only what stands at the barrier, and once"
