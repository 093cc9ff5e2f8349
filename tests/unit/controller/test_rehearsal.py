"""A request that is only rehearsed: what it would be, or by what it would be refused."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from drdeck.controller.asking.requests import preview
from drdeck.controller.journal.operations import Operation
from drdeck.controller.rehearsal import rehearse
from drdeck.model.actions.confirming import Rehearsal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, Networks, Owner, ProtectedSite, Vm

NOW = datetime(2026, 1, 16, 23, tzinfo=UTC)
ERP = Domain(
    id="d",
    name="erp",
    mode=Mode.SYNCHRONISED,
    owner=Owner.REMOTE,
    vms_total=1,
    vms_recoverable=1,
    vms=(Vm(id="v", name="db"),),
    networks=Networks(protected=("A", "B"), recovery=("x", "y")),
)
START = Request(action="cfo_start", domain="erp", networks={"*": "x"})
OPEN = Operation(id="op-1", request=START, actor="ann", asked_at=NOW)


def rehearsed(
    request: Request,
    domain: Domain = ERP,
    operations: tuple[Operation, ...] = (),
    closed: str | None = None,
) -> Rehearsal:
    seen_before = preview(request, domain, ProtectedSite(), NOW, False)
    return rehearse(
        seen_before, domain, NOW, read_only=False, operations=operations, check=lambda command: closed
    )


IMPORTED = msgspec.structs.replace(ERP, mode=Mode.IMPORTED)


def test_what_is_left_open_is_filled_in() -> None:
    rehearsal = rehearsed(START, IMPORTED)
    assert rehearsal.refusal is None and rehearsal.accepted is not None
    assert rehearsal.accepted.networks == {"A": "x", "B": "x"}


def test_consent_is_not_missed_but_told() -> None:
    force = Request(action="cfo_complete", domain="erp", type=FailoverType.FORCE, networks={"*": "x"})
    rehearsal = rehearsed(force)
    assert rehearsal.refusal is None and rehearsal.preview.tier == 3


@pytest.mark.parametrize(
    ("request_", "domain", "operations", "closed", "says", "code"),
    [
        (START, ERP, (), None, "needs an imported domain", "rule"),
        (Request(action="cfo_start", domain="erp"), IMPORTED, (), None, 'networks "A", "B"', "rule"),
        (START, IMPORTED, (OPEN,), None, "operation op-1", "rule"),
        (START, IMPORTED, (), "no room", "no room", "rule"),
        (Request(action="cfo_complete", domain="erp"), ERP, (), None, "a failover type", "usage"),
    ],
)
def test_every_reason_against_it(
    request_: Request,
    domain: Domain,
    operations: tuple[Operation, ...],
    closed: str | None,
    says: str,
    code: str,
) -> None:
    rehearsal = rehearsed(request_, domain, operations, closed)
    assert rehearsal.accepted is None
    assert rehearsal.refusal is not None and says in rehearsal.refusal
    assert rehearsal.code == code
