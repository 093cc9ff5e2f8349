"""The table of Test Failover: its folder is never the root, nor in it."""

from __future__ import annotations

import pytest

from drdeck.config.settings import SettingsError, VSphereSettings
from tests.support.whole_files import VSPHERE_SITE, site_settings


def read(table: str) -> VSphereSettings:
    return site_settings(VSPHERE_SITE + "[sites.dr.test]\n" + table)


def test_one_network_is_for_all() -> None:
    trial = read('folder = "/DC0/vm/drdeck-test"\nnetwork = "DR-Bubble"\nspace = "25 %"').test
    assert trial is not None and trial.networks == {"*": "DR-Bubble"} and trial.share == 0.25
    trial = read('folder = "/DC0/vm/test"\nnetwork = { VM_3510 = "B10" }').test
    assert trial is not None and trial.networks == {"VM_3510": "B10"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('folder = "/DC0/vm/drdeck"\nnetwork = "B"', "must be outside the root"),
        ('folder = "/DC0/vm/drdeck/test/"\nnetwork = "B"', "must be outside the root"),
        ('folder = "/DC0/vm"\nnetwork = "B"', "must be outside the root"),
        ('folder = "test"\nnetwork = "B"', "is not an inventory path"),
        ('folder = "/DC0/vm/t"', "network"),
        ('folder = "/DC0/vm/t"\nnetwork = {}', "names no isolated network"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nspace = "much"', 'such as "10%"'),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nprefix = ""', "3 to 30 letters"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nat_once = 0', "from 1 to 64"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nhow = "full"', '"full" is not supported: a full clone'),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nhow = "tool"', "drives no replication tool"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\ncustomize = "lnx"', "needs no other names or addresses"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nin_test = "run"', "guestinfo.DRDECK_TEST, which is 1"),
        ('folder = "/DC0/vm/t"\nnetwork = "B"\nends_after = "1s"', "must be from"),
    ],
)
def test_what_cannot_be_is_refused(table: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(table)
