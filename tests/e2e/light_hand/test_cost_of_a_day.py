"""What quiet sessions cost a vCenter a day, counted there: the table of docs/operate.md."""

from __future__ import annotations

import re

from tests.benchmarks.figures.quiet_day import cost_of_a_day, counted
from tests.support import ROOT
from tests.support.vcenter.vcsim import VCenter

MANY = 40
ROW = re.compile(r"^\| ([\d,]+) \| ([\d,]+) \| 0 \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)
PAGE = 100
"""Lines of vCenter's events that a person reads at a sitting: those of a quiet domain's day fit on one."""
WITHIN = 0.03
"""Names and times are not always as long."""


async def test_the_table_of_the_docs_is_what_is_counted(
    recovery: VCenter, protected_vcenter: VCenter
) -> None:
    single, many = await counted(recovery, 1), await counted(protected_vcenter, MANY)
    assert single.definitions == many.definitions == 0
    assert single.renewals <= PAGE
    text = (ROOT / "docs/operate.md").read_text("utf-8")
    rows = [[int(figure.replace(",", "")) for figure in row] for row in ROW.findall(text)]
    assert [row[0] for row in rows] == [1, MANY, 500]
    for domains, events, calls, mb in rows:
        cost = cost_of_a_day(single, many, domains)
        assert (cost.events, cost.calls) == (events, calls)
        assert abs(cost.bytes / 1e6 - mb) <= 1 + WITHIN * mb, (domains, cost)
