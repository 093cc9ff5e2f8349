"""Places on hosts and datastores that planned calls take, and the turns that hosts take."""

from __future__ import annotations

from drdeck.model.planned import Phase
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan, on_vm
from drdeck.sites.vsphere.plan.place_limits import limited
from tests.support.vcenter.domain_states import OP, vm

VMS = [
    vm(name, "off", host=host, datastores=("ds-1", "ds-2"))
    for name, host in (("a", "h1"), ("b", "h1"), ("c", "h1"), ("d", "h2"))
]
PLAN = Plan(
    Phase(operation=OP, name="x", calls=tuple(on_vm(x, "power_on", "p", f"power on {x.name}") for x in VMS))
)


def test_without_limits_the_plan_is_the_same_object() -> None:
    assert limited(PLAN, VMS, 0, 0) is PLAN
    assert limited(Plan(), VMS, 3, 3) == Plan()


def test_each_call_names_its_places_and_hosts_take_turns() -> None:
    phase = limited(PLAN, VMS, 2, 4).phase
    assert phase is not None
    assert [call.name for call in phase.calls] == ["a", "d", "b", "c"]
    assert phase.calls[0].places == {"h1": 2, "ds-1": 4, "ds-2": 4}
    only_hosts = limited(PLAN, VMS, 2, 0).phase
    assert only_hosts is not None and only_hosts.calls[1].places == {"h2": 2}


def test_removals_have_places_on_each_datastore_of_their_own() -> None:
    removals = tuple(on_vm(x, "remove", "r", f"remove points of {x.name}") for x in VMS)
    phase = limited(Plan(Phase(operation=OP, name="x", calls=removals)), VMS, 0, 0, 4).phase
    assert phase is not None
    places = {tuple(call.places.items()) for call in phase.calls}
    assert places == {(("removals:ds-1", 4), ("removals:ds-2", 4))}
    assert limited(PLAN, VMS, 0, 0, 4) is PLAN, "of other calls there is no such limit"
