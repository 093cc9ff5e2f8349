"""The bars of a domain: nothing is cut, and a value stands near its label."""

from __future__ import annotations

import pytest

from drdeck.console.format import plain_of, width_of
from drdeck.console.widgets.status_bars import bars
from drdeck.console.widgets.task_step_lines import rto_line
from drdeck.model.domains import Failover, FailoverType, Mode
from tests.support.console.fake_client import NOW, changed, domain, operation


@pytest.mark.parametrize("address", ["", "vcsa.prod", "vcsa.prod.example", "vcsa-01.prod.dc2.example.com"])
@pytest.mark.parametrize("width", [42, 44, 78, 118])
def test_the_owner_stands_on_one_line_where_that_has_room(address: str, width: int) -> None:
    lines = bars(domain(owner_address=address), NOW, width)
    assert all(width_of(line) <= width for line in lines)
    says = f"REMOTE, {address or 'address unknown'}"
    (owner,) = (plain_of(line) for line in lines if says in plain_of(line))
    assert "Owner Site" in owner or len(f"Owner Site  {says}") > width


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("width", [42, 44, 66, 78])
def test_no_value_is_cut_where_it_has_its_column(mode: Mode, width: int) -> None:
    """The step's label is: it stands in full among the task steps."""
    of = domain(mode=mode, processed_bytes=135_000_000_000, remaining_bytes=4_600_000_000)
    cut = [plain_of(line) for line in bars(of, NOW, width) if "…" in plain_of(line)]
    assert all(line.startswith("Current Step") for line in cut)


@pytest.mark.parametrize("mode", [Mode.SYNCHRONISED, Mode.RUNNING_IN_FAILOVER])
def test_in_one_column_values_stand_near_their_labels(mode: Mode) -> None:
    lines = [plain_of(line) for line in bars(domain(mode=mode, storage_site="array " * 8), NOW, 78)]
    values = {line[:26].rstrip(): line.find(line[27:].lstrip()) for line in lines if "Data (" not in line}
    del values["Configurations"]
    assert len(values) > 5 and set(values.values()) == {27}


@pytest.mark.parametrize("kind", list(FailoverType))
@pytest.mark.parametrize("recovered", [True, False])
def test_the_rto_line_fits_at_80_columns(kind: FailoverType, recovered: bool) -> None:
    failover = Failover(id="op-1", type=kind, recovered_at=NOW) if recovered else None
    op = operation(ended_at=NOW)
    op = changed(op, request=changed(op.request, type=kind, run_pitr=True))
    line = rto_line(op, domain(mode=Mode.PITR_SESSION, failover=failover), NOW)
    assert width_of(line) <= 78 and "decided 10:37:07Z: Failover" in plain_of(line)
