"""What one round of a domain's life is, and what it leaves; for whoever goes it, by whatever means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from drdeck.model.times import show
from tests.support.life.inventory_kept import Inventory, inventory
from tests.support.life.trial_flow import TrialFlow
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import Flow
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

ROUNDS = 3


def other_side_owns(flow: Flow, there: VCenter, ident: str) -> None:
    """The other side's drdeck completes a Planned Failover: VMs off here, its record says so, on there."""
    for vm in VMS:
        if flow.recovery.power(vm) == "on":
            flow.recovery.power_off(vm)
    now = show(datetime.now(UTC))
    began = {"id": ident, "type": "planned", "began": now, "since": now, "recovered": now}
    there.set_attribute(DOMAIN, "drdeck.failover", json.dumps({**began, "phase": "finished"}))
    for vm in VMS:
        there.power_on(vm)


def other_side_released(there: VCenter) -> None:
    """And gives the domain back: VMs off there, nothing in its record."""
    for vm in VMS:
        there.power_off(vm)
    there.set_attribute(DOMAIN, "drdeck.failover", "")


def replicate(flow: Flow, number: int) -> None:
    """The tool brings a point of each VM: the replicas of the round with that number."""
    for vm in VMS:
        flow.recovery.make_snapshot(vm, f"replica of round {number}")


def foreign_disk(tests: TrialFlow) -> str:
    """Somebody attaches the disk of a VM of the domain to the test VM of another; the disk's file."""
    vm = next(vm for vm in tests.folder.childEntity if vm.name.endswith(VMS[0]))
    ((file, _),) = rehearsing.disk_files(tests.recovery, VMS[1])
    rehearsing.attach_disk(tests.recovery, vm, file)
    return file


class Left(NamedTuple):
    """What is left of rounds so far: the record, both inventories, the domain as `show` has it, who was
    destroyed, and what all operations were of and how they ended, by id."""

    record: Mapping[str, str]
    here: Inventory
    there: Inventory
    domain: Mapping[str, Any]
    destroyed: Sequence[rehearsing.Destroyed]
    operations: Mapping[str, tuple[str, str]]
    sound: bool
    at: datetime


def left(tests: TrialFlow, there: VCenter) -> Left:
    flow = tests.flow
    tasks = flow.deck.json("tasks")["operations"]
    return Left(
        record=flow.recovery.attributes(DOMAIN),
        here=inventory(flow.recovery),
        there=inventory(there),
        domain=flow.show(),
        destroyed=rehearsing.destroyed(tests.recovery),
        operations={op["id"]: (op["action"], op["state"]) for op in tasks},
        sound=bool(flow.deck.json("audit", "verify")["sound"]),
        at=datetime.now(UTC),
    )


def check_round(before: Left, after: Left, number: int, networks: Sequence[str], excluded: int = 1) -> None:
    """A round left what it should, counted from 0. `networks`: of each VM after it; `excluded`: how many
    periods it adds; none: it had no session."""
    _check_inventory(before, after, f"replica of round {number + 1}", networks)
    _check_record(before, after, excluded)
    domain = after.domain
    assert (domain["mode"], domain["owner"], domain["operation"]) == ("imported", "remote", None)
    assert (domain["session"], domain["failover"], domain["committed_at"]) == (None, None, None)
    assert (domain["undo"]["possible"], domain["test"], domain["tested"]["result"]) == (False, None, "passed")
    assert [alarm["text"] for alarm in domain["alarms"]] == [a["text"] for a in before.domain["alarms"]]
    ends = after.destroyed[len(before.destroyed) :]
    assert sorted(end.name for end in ends) == sorted(f"drdeck-test-{DOMAIN}-{vm}" for vm in VMS)
    assert len({end.folder for end in ends}) == 1, "each test VM, and nothing else"
    assert {end.shared for end in ends} == {()}
    assert {state for _, state in after.operations.values()} == {"done"}
    assert after.sound


def _check_inventory(before: Left, after: Left, replica: str, networks: Sequence[str]) -> None:
    assert after.there == before.there, "the protected site is as it was"
    expected = dict(before.here)
    for path, vm in before.here.items():
        if vm is not None and path.rpartition("/")[2] in VMS and f"/{DOMAIN}/" in path:
            cards = tuple((address, to) for (address, _), to in zip(vm.cards, networks, strict=True))
            expected[path] = vm._replace(cards=cards, snapshots=(*vm.snapshots, replica))
    assert after.here == expected


OF_DRIVING = ("drdeck.lease", "drdeck.excluded")
"""Attributes that are looked at elsewhere: who drives the domain, and the periods that `show` has, too."""


def _check_record(before: Left, after: Left, excluded: int) -> None:
    """Of a failover only that it is over, of its session only when; and the word of the last test."""
    record = {name: json.loads(text) for name, text in after.record.items() if name not in OF_DRIVING}
    assert set(record) == {"drdeck.mode", "drdeck.pitr", "drdeck.tested", "drdeck.asked"}
    did = {ident: action for ident, (action, _) in after.operations.items() if ident not in before.operations}
    mode, pitr, tested = record["drdeck.mode"], record["drdeck.pitr"], record["drdeck.tested"]
    assert set(mode) == {"mode", "by", "since"} and set(pitr) == (
        {"reset", "last"} if excluded else {"reset"}
    )
    assert (mode["mode"], did[mode["by"]]) == ("imported", "domain_release")
    assert not excluded or did[pitr["last"]] == "cfo_complete", "the session that was left"
    reset, since = datetime.fromisoformat(pitr["reset"]), datetime.fromisoformat(mode["since"])
    assert before.at < reset < since < after.at, "the PITR window begins anew"
    assert set(tested) == {"by", "of", "at", "result", "vms"}
    assert did[tested["of"]] == "test_start" and did[tested["by"]] in ("test_end", "test_detach")
    assert (tested["result"], tested["vms"]) == ("passed", len(VMS))
    assert set(record["drdeck.asked"]) <= set(did), "who asked, of this round alone"
    former = before.domain["excluded"]
    assert len(after.domain["excluded"]) == len(former) + excluded
    assert after.domain["excluded"][: len(former)] == former
