"""`domains --where`: which domains an expression means, and what is said of a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from drdeck.cli.exit_codes import USAGE, Exit
from drdeck.cli.reading.where_filter import matching
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.operations import OperationState, OperationView, Question
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Alarm, Severity
from drdeck.model.domains import Domain, Mode, Owner, PitrPolicy, Session, SessionState

NOW = datetime(2026, 1, 16, tzinfo=UTC)


def domain(name: str, mode: Mode, **more: Any) -> Domain:
    return Domain(id=name, name=name, mode=mode, owner=more.pop("owner", Owner.REMOTE), **more)


ALARM = Alarm(time=NOW, severity=Severity.CRITICAL, vm=None, kind="snapshot", text="a snapshot")
LISTING = Listing(
    site="s",
    kind="vsphere",
    domains=(
        domain("erp-prod", Mode.PITR_SESSION, owner=Owner.LOCAL, alarms=(ALARM,),
               pitr=PitrPolicy(enabled=True),
               session=Session(id="s1", state=SessionState.ACTIVE, started_at=NOW)),
        domain("erp-test", Mode.SYNCHRONISED),
        domain("files", Mode.IMPORTED),
    ),
    operations=(
        OperationView(
            id="op-1", action="cfo_start", domain="files", actor="ann", asked_at=NOW,
            state=OperationState.OPEN,
            request=Request(action="cfo_start", domain="files"),
            question=Question(id="q", kind="failed", text="?", choices=("retry",)),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("expressions", "names"),
    [
        ((), ["erp-prod", "erp-test", "files"]),
        (("alarms",), ["erp-prod"]),
        (("!alarms",), ["erp-test", "files"]),
        (("mode=synchronised",), ["erp-test"]),
        (("mode!=synchronised",), ["erp-prod", "files"]),
        (("mode=Continuous Rehydration in Progress",), ["erp-test"]),
        (("name=erp-*", "owner=remote"), ["erp-test"]),
        (("name=erp-*, owner=local",), ["erp-prod"]),
        (("session",), ["erp-prod"]),
        (("session=active",), ["erp-prod"]),
        (("session=waiting",), []),
        (("severity=critical",), ["erp-prod"]),
        (("question",), ["files"]),
        (("operation,!question",), []),
        (("pitr",), ["erp-prod"]),
    ],
)
def test_which_are_meant(expressions: tuple[str, ...], names: list[str]) -> None:
    assert [d.name for d in matching(LISTING, expressions).domains] == names


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("alarm", 'did you mean "alarms"?'),
        ("mod=imported", 'did you mean "mode"?'),
        ("mode=synchronized", 'did you mean "synchronised"?'),
        ("health=sick", 'there are: "ok", "failed", "unknown"'),
        ("x", "there are:"),
    ],
)
def test_a_wrong_one_is_answered_with_what_would_be_right(expression: str, says: str) -> None:
    with pytest.raises(Exit) as refused:
        matching(LISTING, (expression,))
    assert refused.value.code == USAGE and says in str(refused.value)
