"""What may be asked for and go wrong in a controller's life, for hypothesis to choose from."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from drdeck.controller.ipc import request_handler
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from drdeck.model.facts.fault_kinds import FAULT_KINDS
from drdeck.sites.training.scenario.scenario_tables import ScenarioFault, ScenarioPitr
from tests.support.faults.bad_way import Fate
from tests.support.training.training_build import START, vm

NAMES = ("erp", "crm")
VMS = ("db1", "app1")
ASKED = [action.name for action in ACTIONS if action.menu]
"""every act that there is"""

people = st.integers(0, 1)
names = st.sampled_from(NAMES)
moments = st.sampled_from([0.0, 0.0, 0.2, 3.0, 20.0])
fates = st.one_of(
    st.just(Fate((), 0.0, None, True)),
    st.builds(Fate, st.tuples(moments, moments), moments, st.none(), st.just(False)),
    st.builds(Fate, st.tuples(moments), moments, st.none(), st.just(False)),
    st.builds(Fate, st.lists(moments, max_size=2).map(tuple), st.just(0.0), moments, st.just(False)),
)
acts = st.builds(
    Request,
    action=st.sampled_from(ASKED),
    domain=names,
    type=st.sampled_from([*FailoverType, FailoverType.FORCE, None]),
    run_pitr=st.booleans(),
    networks=st.sampled_from([{}, {"VM_3510": "DRSeg"}, {"VM_3510": "nowhere"}]),
    to=st.none() | st.integers(-60, 7200).map(lambda ago: START + timedelta(seconds=ago)),
    vms=st.sampled_from([(), (), ("db1",), ("app1", "db1"), ("who",)]),
    confirm=st.sampled_from([*NAMES, None]),
)
others = st.sampled_from(["leave", "secret", "stop", "force", *request_handler._ASKS])
ways = st.sampled_from(["plainly", "after a look", "insisting", "by both", "twice", "vanishing"])


class Choice(NamedTuple):
    """What a person chooses among what is offered."""

    which: int
    far: int
    kind: FailoverType
    run_pitr: bool
    vms: tuple[str, ...]


choices = st.builds(
    Choice,
    st.integers(0, 5),
    st.integers(0, 70),
    st.sampled_from([*FailoverType, FailoverType.FORCE, FailoverType.FORCE]),
    st.sampled_from([True, True, False]),
    st.sampled_from([(), (), ("db1",)]),
)
faults = st.builds(
    ScenarioFault,
    kind=st.sampled_from([kind for kind in FAULT_KINDS if kind != "object_store_lost"]),
    domain=names,
    vms=st.sampled_from([("db1",), ("app1",)]),
    times=st.integers(1, 2),
)
domains = st.builds(
    lambda state, site, running, pitr: {
        "vms": tuple(vm(name) for name in VMS),
        "state": state,
        "protected_site": site,
        "protected_vms": running,
        "pitr": ScenarioPitr(enabled=pitr, window="1h", interval="1m"),
        "recovery_networks": ("DRSeg", "VM_3510"),
    },
    state=st.sampled_from(["synchronised", "synchronised", "imported", "protected"]),
    site=st.sampled_from(["lost", "reachable"]),
    running=st.sampled_from(["on", "off"]),
    pitr=st.sampled_from([True, True, True, False]),
)
