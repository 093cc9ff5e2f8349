"""No call on a VM that an operation plans is waited for without a limit, after which a person is asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support import ROOT

PLAN = ROOT / "src/drdeck/sites/vsphere/plan"
WITHOUT = {
    ("late_joiners.py", "join"): "a note in the record",
    ("maintenance.py", "answer"): "vCenter answers at once: no task",
    ("maintenance.py", "snapshot"): "a point, which no operation waits for",
    ("protected_shutdown.py", "shutdown_guest"): "no task; shutdown_timeout asks",
}
"""Calls without one, by file and kind, and why."""


def calls_on_vms() -> Iterator[tuple[str, str, bool]]:
    """File, kind, and whether there is a limit."""
    for path in sorted(PLAN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "on_vm":
                kind = node.args[1]
                name = str(kind.value) if isinstance(kind, ast.Constant) else ast.unparse(kind)
                yield path.name, name, any(keyword.arg == "limit_s" for keyword in node.keywords)


@pytest.mark.parametrize(("file", "kind", "limited"), sorted(set(calls_on_vms())))
def test_each_call_on_a_vm_has_a_limit(file: str, kind: str, limited: bool) -> None:
    assert limited != ((file, kind) in WITHOUT), WITHOUT.get((file, kind), "who waits for it for ever?")


def test_all_kinds_of_calls_are_looked_at() -> None:
    kinds = {kind for _, kind, _ in calls_on_vms()}
    tasks = {"power_off", "revert", "power_on", "snapshot", "remove", "connect", "prepare", "wait", "destroy"}
    assert tasks <= kinds
