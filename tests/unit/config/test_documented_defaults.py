"""The defaults that docs/configure.md names: each is what drdeck takes where the settings name none."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from drdeck.config.settings import DomainSettings, PitrSettings, VSphereSettings
from drdeck.config.settings_file import parse
from tests.support import ROOT

SITE = '[sites.x]\nkind = "vsphere"\nurl = "https://v/sdk"\nusername = "u"\nroot = "/DC0/vm/x"\n'
TABLES = {
    '### `[sites.NAME]`, `kind = "vsphere"`': SITE,
    "### `[sites.NAME.domains.DOMAIN]`": SITE + "[sites.x.domains.erp]\n",
}
ROW = re.compile(r"^\| `([a-z_.]+)` \| (\S.*?) \| ")
MEANS_NONE = {"the system's authorities"}


def documented() -> list[tuple[str, str, str]]:
    """Heading, key and default of each row that has one."""
    rows, heading = [], ""
    for line in (ROOT / "docs/configure.md").read_text("utf-8").splitlines():
        heading = line if line.startswith("#") else heading
        row = ROW.match(line)
        if row and heading in TABLES and row[2] not in MEANS_NONE:
            rows.append((heading, row[1], row[2]))
    return rows


@pytest.mark.parametrize(("heading", "key", "default"), documented())
def test_a_default_changes_nothing_when_it_is_written(heading: str, key: str, default: str) -> None:
    without = TABLES[heading]
    assert site_of(f"{without}{key} = {default}\n") == site_of(without)


def site_of(text: str) -> tuple[VSphereSettings, DomainSettings]:
    """The site of a file, but for its domains; and one of them, with what it has from the site."""
    site = parse(text, Path("settings.toml")).sites["x"]
    assert isinstance(site, VSphereSettings)
    return msgspec.structs.replace(site, domains={}), site.domain("erp")


def test_the_tables_were_read() -> None:
    keys = {key for _, key, _ in documented()}
    assert {"pitr.keep", "pitr.interval", "pitr.points_for", "pitr.enabled", "lease", "quiet_lease"} <= keys


def test_points_are_off_until_they_are_asked_for_and_then_few_and_for_a_while() -> None:
    """A chain on a running VM costs it speed and room (VMware KB 1025279)."""
    points = PitrSettings()
    assert not points.enabled
    assert (points.keep, float(points.interval), float(points.points_for)) == (6, 4 * 3600, 3 * 86_400)
    assert not VSphereSettings(url="https://v/sdk", username="u", root="/x").domain("erp").pitr.enabled
