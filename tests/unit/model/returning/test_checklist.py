"""The checklist of the way back."""

from __future__ import annotations

import pytest

from drdeck.model.domains import Mode, ProtectedSite
from drdeck.model.facts.life_facts import WayBack
from drdeck.model.returning.checklist import return_steps
from tests.support.operation_build import domain

PAGE = "https://replication.dr.example:9443/jobs"


@pytest.mark.parametrize("page", ["", PAGE])
def test_the_tools_page_is_named_where_the_settings_have_it(page: str) -> None:
    back = domain(Mode.RUNNING_IN_FAILOVER, way_back=WayBack(tool_page=page))
    (turned,) = (s for s in return_steps(back, ProtectedSite()) if "direction of replication" in s.text)
    assert turned.text.endswith(f"tool: {page}" if page else "tool")
    assert not turned.checked, "no vCenter tells what a tool does"
