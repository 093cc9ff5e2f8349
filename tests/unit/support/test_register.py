"""The register of faults and of vCenter's ways names tests that there are, and two siblings of each fault."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.support import ROOT
from tests.support.register import FAULTS, VCENTER, Registered

ALL = [(name, row) for table in (FAULTS, VCENTER) for name, row in table.items()]


@cache
def names_in(file: str) -> tuple[frozenset[str], str]:
    """Names of the tests in a file, and its text."""
    text = (ROOT / "tests" / file).read_text("utf-8")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(text)) if isinstance(node, functions)), text


@pytest.mark.parametrize(("name", "row"), ALL, ids=[name for name, _ in ALL])
def test_each_names_tests_that_there_are(name: str, row: Registered) -> None:
    entries = (row.test, *row.siblings)
    assert len(set(entries)) == len(entries), "each is another one"
    for entry in entries:
        place, _, case = entry.partition("[")
        file, _, test = place.partition("::")
        names, text = names_in(file)
        assert test.startswith("test_") and test in names, entry
        assert case.removesuffix("]") in text, entry


def test_every_fault_is_there_with_two_siblings() -> None:
    assert list(FAULTS) == [f"F{number}" for number in range(1, 28)]
    assert {name: len(row.siblings) for name, row in FAULTS.items() if len(row.siblings) < 2} == {}


def test_every_way_is_there() -> None:
    assert list(VCENTER) == [f"V{number}" for number in range(1, 24)]
    assert all(row.siblings for row in VCENTER.values())
