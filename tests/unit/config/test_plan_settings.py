"""Failover Plans in the settings: all that they may say is read, what cannot be is refused with its place."""

from __future__ import annotations

import pytest

from drdeck.config.settings import SettingsError
from tests.support.whole_files import VSPHERE_SITE, site_settings

PLAN = VSPHERE_SITE + "[sites.dr.plans.{name}]\n"
WAVES = 'waves = [{ name = "foundation", domains = ["ad-*", "pki"] }]\n'


def test_a_plan_says_what_it_is_and_places_are_for_the_site() -> None:
    text = (
        PLAN.format(name="whole-site")
        + 'title = "All"\ntype = "force"\nrun_pitr = false\nothers = "last"\ndomains_at_once = 4\n'
        + 'patience = "2m"\non_failure = "hold"\n'
        + 'waves = [{ name = "foundation", domains = ["ad-*"] }, '
        + '{ name = "rest", domains = ["*"], gate = "confirm" }]\n'
        + "[sites.dr.places]\npower_on = 10\ndelete = 2\n"
    )
    site = site_settings(text)
    plan = site.plans["whole-site"]
    assert (plan.title, plan.type, plan.run_pitr, plan.others) == ("All", "force", False, "last")
    assert (plan.domains_at_once, plan.patience, plan.on_failure) == (4, 120, "hold")
    assert [(wave.name, wave.domains, wave.gate) for wave in plan.waves] == [
        ("foundation", ("ad-*",), "settled"),
        ("rest", ("*",), "confirm"),
    ]
    usual = site_settings(VSPHERE_SITE).places
    assert (site.places.power_on, site.places.delete) == (10, 2)
    assert (usual.power_on, usual.revert, usual.snapshot, usual.shutdown, usual.delete) == (20, 16, 16, 30, 4)


@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("all", WAVES, "there without settings"),
        ("marked", WAVES, "there without settings"),
        ('"whole site"', WAVES, "letters, digits"),
        ("p", "waves = []", "has no wave"),
        ("p", "", "waves"),
        ("p", WAVES + "domains_at_once = 0", "from 1 to 64"),
        ("p", WAVES + 'patience = "8d"', "patience"),
        ("p", WAVES + 'type = "test"', "type"),
        ("p", WAVES + 'others = "first"', "others"),
        ("p", WAVES + 'on_failure = "undo"', "on_failure"),
        ("p", WAVES + "gate = 1", "gate"),
        ("p", 'waves = [{ name = "a", domains = [] }]', "names no domain"),
        ("p", 'waves = [{ name = "", domains = ["x"] }]', "name has 1 to"),
        ("p", 'waves = [{ name = "a", domains = ["x"], gate = "open" }]', "gate"),
        ("p", 'waves = [{ name = "others", domains = ["x"] }]', "another name"),
        (
            "p",
            'waves = [{ name = "a", domains = ["x"] }, { name = "b", domains = ["x"] }]',
            'is in the wave "a" already',
        ),
        ("p", WAVES + "[sites.dr.places]\npower_on = 0", "from 1 to 500"),
        ("p", WAVES + "[sites.dr.places]\nreboot = 1", "reboot"),
    ],
)
def test_what_cannot_be_is_refused(name: str, table: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        site_settings(PLAN.format(name=name) + table)
