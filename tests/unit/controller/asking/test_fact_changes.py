"""What changed between looking and confirming, said so that a person can read it."""

from __future__ import annotations

import pytest

from drdeck.controller.asking.requests import changes

FACTS = {"mode": "synchronised", "protected site": "answers, 2 of 2 VMs run there", "VMs": "2: a, b"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"mode": "completing"}, ['mode: "synchronised" before, "completing" now']),
        ({"protected site": "does not answer"}, ["the protected site has stopped answering"]),
        (
            {"protected site": "answers, 1 of 2 VMs run there"},
            ['protected site: "answers, 2 of 2 VMs run there" before, "answers, 1 of 2 VMs run there" now'],
        ),
        ({"VMs": "2: b, c"}, ["VMs: a gone; c new"]),
        ({"VMs": "0: "}, ["VMs: a, b gone"]),
        ({"recovery networks": ""}, []),
        ({"recovery networks": "x, y"}, ["recovery networks: x, y new"]),
        ({"rolled back to": "no instant"}, ['rolled back to: nothing before, "no instant" now']),
    ],
)
def test_only_what_differs_is_told(more: dict[str, str], expected: list[str]) -> None:
    assert changes(FACTS, {**FACTS, **more}) == expected


def test_a_protected_site_that_answers_again_is_said_to() -> None:
    before = {**FACTS, "protected site": "does not answer"}
    assert changes(before, FACTS) == ["the protected site answers again: 2 of 2 VMs run there"]


def test_of_many_names_five() -> None:
    many = {"VMs": f"10000: {', '.join(f'vm{n:05}' for n in range(10_000))}"}
    (change,) = changes({"VMs": "0: "}, many)
    assert change == "VMs: vm00000, vm00001, vm00002, vm00003, vm00004 and 9995 more new"
