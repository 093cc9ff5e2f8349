"""Recovery networks: what counts, what is left without, and how it is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drdeck.controller.asking.network_choice import (
    network_mapping,
    network_slip,
    unmapped_says,
    with_defaults,
)
from drdeck.model.domains import Domain, Mode, Networks, Owner
from drdeck.model.views import SiteClock, SiteView

NOW = datetime(2026, 1, 16, tzinfo=UTC)
THREE, TWO = ("A", "B", "C"), ("x", "y")


def domain(networks: Networks) -> Domain:
    return Domain(id="d", name="erp", mode=Mode.IMPORTED, owner=Owner.REMOTE, networks=networks)


@pytest.mark.parametrize(
    ("typed", "networks", "mapping"),
    [
        ({}, Networks(protected=THREE, recovery=TWO), {}),
        ({"A": "x"}, Networks(protected=THREE, recovery=TWO), {"A": "x"}),
        ({"*": "x"}, Networks(protected=THREE, recovery=TWO), {"A": "x", "B": "x", "C": "x"}),
        ({"B": "y", "*": "x"}, Networks(protected=THREE, recovery=TWO), {"A": "x", "B": "y", "C": "x"}),
        ({}, Networks(protected=THREE, recovery=("x",)), {"A": "x", "B": "x", "C": "x"}),
        ({}, Networks(protected=THREE, recovery=("A", "B", "z")), {"A": "A", "B": "B"}),
        ({}, Networks(protected=("A",), recovery=TWO, defaults={"A": "y"}), {"A": "y"}),
        ({}, Networks(protected=("A",), recovery=("A", "y"), defaults={"A": "y"}), {"A": "y"}),
        ({}, Networks(protected=("A",), recovery=("A", "y"), defaults={"A": "gone"}), {"A": "A"}),
        (
            {},
            Networks(protected=("A",), recovery=TWO, mapping={"A": "x"}, defaults={"A": "y"}),
            {"A": "x"},
        ),
        (
            {"*": "y"},
            Networks(protected=("A",), recovery=TWO, mapping={"A": "x"}, defaults={"A": "x"}),
            {"A": "y"},
        ),
    ],
)
def test_a_mapping(typed: dict[str, str], networks: Networks, mapping: dict[str, str]) -> None:
    assert network_mapping(typed, networks) == mapping
    if not typed:
        assert networks.proposed == mapping, "the wizard offers the same"


def test_all_that_are_left_are_named_at_once() -> None:
    text = unmapped_says({"B": "x"}, domain(Networks(protected=THREE, recovery=TWO)))
    assert text == (
        'networks "A", "C" of "erp" have no recovery network yet; map them with --network "A=NAME"'
        ' --network "C=NAME", or all at once with --network "*=NAME"; the recovery site offers: x, y'
    )
    assert unmapped_says(dict.fromkeys(THREE, "x"), domain(Networks(protected=THREE, recovery=TWO))) is None


def test_a_default_that_is_not_offered_is_said() -> None:
    text = unmapped_says({}, domain(Networks(protected=("A",), recovery=TWO, defaults={"A": "gone"})))
    assert text is not None
    assert text.endswith('offers: x, y; the settings say "gone" for "A", which is not offered')
    assert 'the network "A" of "erp" has no recovery network' in text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"A": "x"}, None),
        ({"*": "x"}, None),
        ({"VM_351": "x"}, 'they are on "VM_3510", "A"; did you mean "VM_3510"?'),
        ({"A": "DRSge"}, 'no network "DRSge"; it offers "x", "DRSeg"; did you mean "DRSeg"?'),
        ({"*": "nothing"}, 'no network "nothing"; it offers "x", "DRSeg"'),
    ],
)
def test_a_slip_of_the_pen(typed: dict[str, str], says: str | None) -> None:
    text = network_slip(typed, domain(Networks(protected=("VM_3510", "A"), recovery=("x", "DRSeg"))))
    assert text is says is None or (text is not None and says is not None and text.endswith(says))


def test_the_settings_are_in_each_domain_of_a_view() -> None:
    view = SiteView(
        site="s",
        kind="vsphere",
        serial=1,
        clock=SiteClock(site=NOW, real=NOW),
        domains=(domain(Networks(protected=("A", "cafe\u0301"))), domain(Networks(protected=("B",)))),
    )
    first, second = with_defaults(view, {"A": "x", "caf\u00e9": "y"}).domains
    assert first.networks.defaults == {"A": "x", "cafe\u0301": "y"}
    assert second.networks.defaults == {}
    assert with_defaults(view, {"*": "z"}).domains[1].networks.defaults == {"B": "z"}
    assert with_defaults(view, {}) is view


def test_an_ambiguous_name_is_refused_with_those_that_it_may_mean() -> None:
    networks = Networks(protected=("A",), recovery=("LAN (dvportgroup-7)", "LAN (network-9)", "y"))
    slip = network_slip({"A": "LAN"}, domain(networks))
    assert slip == (
        'the recovery site has 2 networks "LAN"; name one with its id:'
        ' "LAN (dvportgroup-7)"; "LAN (network-9)"'
    )
    assert network_slip({"A": "LAN (network-9)"}, domain(networks)) is None
