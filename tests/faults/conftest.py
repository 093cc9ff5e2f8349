"""Writes the table of faults at the end of a run."""

from __future__ import annotations

from typing import Any

from tests.support.faults.table import FAULTS, markdown


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told: dict[str, Any] = {}
    for report in terminalreporter.stats.get("passed", []):
        if report.when == "call":
            told |= dict(getattr(report, "user_properties", []))
    rows = [(fault.name, told[fault.name]) for fault in FAULTS if fault.name in told]
    if rows:
        terminalreporter.section("what becomes of a step when something fails in it")
        terminalreporter.write_line(markdown(rows))
