"""Alarms in words: whose they are, and how what vCenter asks is answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drdeck.model.alarms import Alarm, Severity


def alarm(text: str, vm: str | None = "db 01", choices: tuple[str, ...] = ()) -> Alarm:
    time = datetime(2026, 3, 1, tzinfo=UTC)
    return Alarm(time=time, severity=Severity.WARNING, vm=vm, kind="k", text=text, choices=choices)


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (alarm("is off"), "db 01: is off"),
        (alarm("db 01 has 31 snapshots"), "db 01 has 31 snapshots"),
        (alarm("no room", vm=None), "no room"),
    ],
)
def test_a_sentence_names_the_vm_once(of: Alarm, sentence: str) -> None:
    assert of.sentence == sentence


def test_the_command_that_answers_can_be_pasted() -> None:
    asks = alarm("vCenter asks", choices=("button.yes", "I moved it"))
    assert asks.answering("erp prod", operation_open=True) == (
        " (drdeck answer 'erp prod' button.yes|'I moved it' --vm 'db 01')"
    )
    assert asks.answering("erp", operation_open=False) == " (answer it in vCenter)"
    assert alarm("is off").answering("erp", operation_open=True) == ""
