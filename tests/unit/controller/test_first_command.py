"""The command of each act: its own, and never that of another one."""

from __future__ import annotations

import pytest

from drdeck.controller.first_command import first_command
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.actions.request import Request
from tests.support.operation_build import NOW, operation

ACTS = [action.name for action in ACTIONS if action.tier >= 2]


def test_each_act_has_a_command_of_its_own() -> None:
    kinds = [
        type(first_command(operation(request=Request(action=call, domain="erp", to=NOW)))) for call in ACTS
    ]
    assert len(set(kinds)) == len(ACTS) > 20


@pytest.mark.parametrize("name", ["pitr_leave", "help", ""])
def test_what_is_no_act_becomes_no_other_one(name: str) -> None:
    with pytest.raises(LookupError, match=f"'{name}'"):
        first_command(operation(request=Request(action=name, domain="erp")))
