"""Names that are typed in another form of the same letters (register F23)."""

from __future__ import annotations

from datetime import UTC, datetime

from drdeck.controller.asking.requests import as_named
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode, Networks, Owner, Vm
from drdeck.model.views import SiteClock, SiteView

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def domain(name: str, *vms: str) -> Domain:
    return Domain(
        id="group-1",
        name=name,
        mode=Mode.SYNCHRONISED,
        owner=Owner.REMOTE,
        vms_total=len(vms),
        vms=tuple(Vm(id=f"vm-{i}", name=vm) for i, vm in enumerate(vms)),
        networks=Networks(protected=(COMPOSED,), recovery=(DECOMPOSED,)),
    )


def test_a_request_gets_the_sites_names() -> None:
    request = Request(
        action="pitr_run",
        domain=DECOMPOSED,
        vms=(DECOMPOSED, "b"),
        confirm=DECOMPOSED,
        networks={DECOMPOSED: COMPOSED},
    )
    named = as_named(request, domain(COMPOSED, COMPOSED, "b"))
    assert (named.domain, named.vms, named.confirm) == (COMPOSED, (COMPOSED, "b"), COMPOSED)
    assert named.networks == {COMPOSED: DECOMPOSED}, "each is another list of names"


def test_a_name_that_is_there_stays() -> None:
    both = as_named(
        Request(action="pitr_run", domain="d", vms=(DECOMPOSED,)), domain("d", COMPOSED, DECOMPOSED)
    )
    assert both.vms == (DECOMPOSED,)


def test_a_view_finds_it_too() -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    clock = SiteClock(site=now, real=now)
    view = SiteView(site="dr", kind="vsphere", serial=1, clock=clock, domains=(domain(COMPOSED),))
    assert view.domain(DECOMPOSED) is view.domains[0] and view.domain("cafe") is None
