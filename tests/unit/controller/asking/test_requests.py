"""Which open operations a request gives up, and which it has to wait for."""

from __future__ import annotations

import pytest

from drdeck.controller.asking.requests import conflict, ended_by
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.actions.request import Request
from tests.support.operation_build import operation


def open_one(action: str, state: OperationState = OperationState.OPEN) -> Operation:
    return operation(action, state=state)


@pytest.mark.parametrize(
    ("request_", "beside", "is_given_up"),
    [
        (Request(action="cfo_complete", domain="erp"), "cfo_start", True),
        (Request(action="cfo_complete", domain="erp"), "cfo_resume", True),
        (Request(action="cfo_complete", domain="erp"), "test_start", True),
        (Request(action="cfo_complete", domain="erp", start_first=True), "cfo_start", False),
        (Request(action="cfo_complete", domain="erp", start_first=True), "test_start", True),
        (Request(action="cfo_complete", domain="erp"), "cfo_complete", False),
        (Request(action="cfo_complete", domain="erp"), "domain_failback", False),
        (Request(action="cfo_cancel", domain="erp"), "cfo_start", True),
        (Request(action="pitr_start", domain="erp"), "cfo_start", False),
        (Request(action="cfo_complete", domain="crm"), "cfo_start", None),
    ],
)
def test_a_request_beside_an_open_operation(request_: Request, beside: str, is_given_up: bool | None) -> None:
    """None: it is another domain's, and neither."""
    op = open_one(beside)
    assert ended_by(request_, (op,)) == ([op.id] if is_given_up else [])
    waits = conflict(request_, (op,))
    assert (waits is None) is (is_given_up is not False)
    assert waits is None or f"({beside}, requested by" in waits


def test_what_has_ended_is_not_given_up() -> None:
    op = open_one("cfo_start", OperationState.DONE)
    assert ended_by(Request(action="cfo_complete", domain="erp"), (op,)) == []
