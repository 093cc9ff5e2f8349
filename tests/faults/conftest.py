"""Writes the table of faults at the end of a run."""

from __future__ import annotations

from typing import Any

from tests.faults.table import markdown


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = []
    for report in terminalreporter.stats.get("passed", []):
        told = dict(getattr(report, "user_properties", []))
        if "fault" in told and "told" in told and report.when == "call":
            rows.append((told["fault"], told["told"]))
    if rows:
        terminalreporter.section("what becomes of a step when something fails in it")
        terminalreporter.write_line(markdown(rows))
