"""The checklist of the way back."""

from __future__ import annotations

import pytest

from drdeck.model.domains import Mode, ProtectedSite
from drdeck.model.facts.life_facts import WayBack
from drdeck.model.returning.checklist import by_openness, open_ways, return_steps
from tests.support.operation_build import NOW, domain

PAGE = "https://replication.dr.example:9443/jobs"


@pytest.mark.parametrize("page", ["", PAGE])
def test_the_tools_page_is_named_where_the_settings_have_it(page: str) -> None:
    back = domain(Mode.RUNNING_IN_FAILOVER, way_back=WayBack(tool_page=page))
    (turned,) = (s for s in return_steps(back, ProtectedSite()) if "direction of replication" in s.text)
    assert turned.text.endswith(f"tool: {page}" if page else "tool")
    assert not turned.checked, "no vCenter tells what a tool does"


def test_a_way_that_is_closed_does_not_stand_under_open_now() -> None:
    ways = open_ways(domain(Mode.RUNNING_IN_FAILOVER, way_back=WayBack(fails_back=True)), NOW)
    (opened, open_now), (closed, not_now) = by_openness(ways)
    assert (opened, closed) == ("Open now", "Not possible now")
    assert open_now and all(way.reason is None for way in open_now)
    assert not_now and all(way.reason for way in not_now)
    assert {*open_now, *not_now} == {*ways}
    assert by_openness(()) == (("Nothing of the way back is open now", ()),)
