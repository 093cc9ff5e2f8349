"""The command of each act: its own, and never that of another one."""

from __future__ import annotations

import msgspec
import pytest

from drdeck.controller.first_command import first_command
from drdeck.model.actions.action_table import ACTIONS
from drdeck.model.actions.request import Request
from drdeck.model.commands import EndTrial
from tests.support.operation_build import NOW, operation

ACTS = [action.name for action in ACTIONS if action.tier >= 2]


def test_each_act_has_a_command_of_its_own() -> None:
    """Detaching disks of others is the end of a test anew, with the files that may be taken off."""
    request = Request(action="", domain="erp", to=NOW, disks=("[ds] other/other.vmdk",))
    commands = [
        first_command(operation(request=msgspec.structs.replace(request, action=call))) for call in ACTS
    ]
    kinds = {(type(command), isinstance(command, EndTrial) and command.detach) for command in commands}
    assert len(kinds) == len(ACTS) > 20


@pytest.mark.parametrize("name", ["pitr_leave", "help", ""])
def test_what_is_no_act_becomes_no_other_one(name: str) -> None:
    with pytest.raises(LookupError, match=f"'{name}'"):
        first_command(operation(request=Request(action=name, domain="erp")))
