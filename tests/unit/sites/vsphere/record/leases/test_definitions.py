"""Attributes that are defined beforehand: as many as the docs say."""

from __future__ import annotations

import re

from drdeck.sites.vsphere.record.attribute_names import CHUNKED, SINGLE
from drdeck.sites.vsphere.record.leases.definitions import ATTRIBUTES
from tests.support import ROOT


def test_the_docs_have_their_number() -> None:
    words = " ".join((ROOT / "docs/security.md").read_text("utf-8").split())
    figures = re.search(r"all attributes \((\d+), .*?: (\d+) of one value each, (\d+) lists", words)
    assert figures is not None
    assert tuple(map(int, figures.groups())) == (len(ATTRIBUTES), len(SINGLE), len(CHUNKED))
