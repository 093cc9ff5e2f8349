"""A domain restored here: it counts as protected only where its data is seen to go, and is in step there."""

from __future__ import annotations

import msgspec
import pytest

from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms
from drdeck.sites.vsphere.plan.life.primary import protected_elsewhere, way_back_of
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import RestoredRecord
from tests.support.vcenter.domain_states import at, chain, domain_state, settings, snap, vm

RESTORED = Record(restored=RestoredRecord(by="op-6", at=at(20)))
BEHIND = vm("db01", "off", **chain(snap("1", 5), snap("2", 20)))
IN_STEP = vm("db01", "off", **chain(snap("1", 5), snap("2", 21)))
ALSO = vm("app01", "off", **chain(snap("3", 30)))
BARE = vm("app01", "off")
RUNS = vm("db01", "on", **chain(snap("2", 21)))


def restored_here(
    there: ProtectedVms | None, to: str = "vcenter-a", record: Record = RESTORED
) -> DomainState:
    rules = msgspec.structs.replace(settings(), replicates_to=to, tool_page="https://tool.dr.example")
    return domain_state(vm("db01"), vm("app01"), record=record, rules=rules, protected=there, minutes=60)


TABLE: list[tuple[str, DomainState, bool, int]] = [
    ("all in step", restored_here(ProtectedVms((IN_STEP, ALSO))), True, 2),
    ("settings name nothing", restored_here(ProtectedVms((IN_STEP, ALSO)), to=""), False, 2),
    ("a point as old as the restore", restored_here(ProtectedVms((BEHIND, ALSO))), False, 1),
    ("a VM without a point", restored_here(ProtectedVms((IN_STEP, BARE))), False, 1),
    ("a VM that runs there", restored_here(ProtectedVms((RUNS, ALSO))), False, 2),
    ("not seen now", restored_here(ProtectedVms((IN_STEP, ALSO), lost="no route")), False, 0),
    ("no VM there", restored_here(ProtectedVms()), False, 0),
    ("no other side", restored_here(None), False, 0),
    ("not restored", restored_here(ProtectedVms((IN_STEP, ALSO)), record=Record()), False, 0),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_protected_elsewhere(case: tuple[str, DomainState, bool, int]) -> None:
    _, state, protected, in_step = case
    assert protected_elsewhere(state) is protected
    place = way_back_of(state)
    assert place.in_step == in_step
    assert place.replicates_to == state.settings.replicates_to
    assert place.tool_page == "https://tool.dr.example"
