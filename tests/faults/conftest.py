"""Writes the table of faults at the end of a run."""

from __future__ import annotations

from typing import Any

from tests.support.faults.table import FAULTS, markdown


def pytest_terminal_summary(terminalreporter: Any) -> None:
    steps_of: dict[str, Any] = {}
    for report in terminalreporter.stats.get("passed", []):
        if report.when == "call":
            steps_of |= dict(getattr(report, "user_properties", []))
    rows = [(fault.name, steps_of[fault.name]) for fault in FAULTS if fault.name in steps_of]
    if rows:
        terminalreporter.section("what becomes of a step when something fails in it")
        terminalreporter.write_line(markdown(rows))
