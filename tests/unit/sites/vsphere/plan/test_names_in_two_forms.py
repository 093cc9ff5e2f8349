"""Names whose letters two systems hold in two forms: patterns, replicas and folders (register F23)."""

from __future__ import annotations

import msgspec
import pytest

from drdeck.config.settings import RunbookSettings
from drdeck.model.plans.failover_plan import FailoverPlan, Wave, problems, unmatched
from drdeck.sites.vsphere.plan.domain_alarms import missing_replicas
from drdeck.sites.vsphere.plan.domain_state import ProtectedVms, stays_out
from drdeck.sites.vsphere.plan.parts.runbook_groups import groups
from drdeck.sites.vsphere.record.domain_record import Record
from tests.support.vcenter.domain_states import domain_state, settings, vm

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
BOTH_WAYS = [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)]


@pytest.mark.parametrize(("typed", "there"), BOTH_WAYS)
def test_patterns_of_a_runbook(typed: str, there: str) -> None:
    rules = settings(("first", [f"{typed}-db*"], 0), ("exact", [f"{typed} [1]"], 0))
    vms = [vm(f"{there}-db01"), vm(f"{there} [1]"), vm("other")]
    assert [(g.name, [x.name for x in g.vms]) for g in groups(vms, rules)] == [
        ("first", [f"{there}-db01"]), ("exact", [f"{there} [1]"]), ("other VMs", ["other"]),
    ]  # fmt: skip


@pytest.mark.parametrize(("typed", "there"), BOTH_WAYS)
def test_readiness_by_pattern(typed: str, there: str) -> None:
    appliance = vm(f"{there}-fw", tools=False)
    rules = msgspec.structs.replace(settings(), ready_of={f"{typed}-*": "power"})
    assert domain_state(appliance, rules=rules).ready(appliance)
    group = RunbookSettings(group="edge", vms=(f"{typed}-*",), ready="power")
    rules = msgspec.structs.replace(settings(), runbook=(group,))
    assert domain_state(appliance, rules=rules).ready(appliance)


@pytest.mark.parametrize(("typed", "there"), BOTH_WAYS)
def test_domains_of_a_plan(typed: str, there: str) -> None:
    plan = FailoverPlan(name="site", waves=(Wave(name="first", domains=(f"{typed}-*",)),))
    assert problems(plan, [f"{there}-1"]) == []
    assert unmatched([f"{typed}*"], [f"{there}-1"]) is None


@pytest.mark.parametrize(("protected", "here"), BOTH_WAYS)
def test_a_replica_is_no_missing_one(protected: str, here: str) -> None:
    there = ProtectedVms((vm(protected), vm("b")))
    assert missing_replicas(domain_state(vm(here), vm("b"), protected=there)) == []
    rules = msgspec.structs.replace(settings(), replicas={here: f"{protected}-dr"})
    assert missing_replicas(domain_state(vm(f"{here}-dr"), vm("b"), rules=rules, protected=there)) == []


@pytest.mark.parametrize(("protected", "here"), BOTH_WAYS)
def test_a_vm_that_was_left_out_stays_out(protected: str, here: str) -> None:
    """Else the VM at the protected site would be shut down in spite of the operator's word."""
    left = vm(here)
    there = ProtectedVms((vm(protected), vm("b")))
    s = domain_state(left, vm("b"), record=Record(without=(left.id,)), protected=there)
    assert [x.name for x in s.protected_vms()] == ["b"]
    assert not stays_out(settings(), vm("b"), {COMPOSED})
