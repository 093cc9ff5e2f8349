"""Paths in the settings are meant from the settings file, wherever the controller works."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.config.settings_file import parse


def site(lines: str) -> VSphereSettings:
    text = f"""
[sites.west]
kind = "vsphere"
url = "https://vc/sdk"
username = "u"
root = "/DC/vm/dr"
{lines}
"""
    west = parse(text, Path("/etc/dr/settings.toml")).sites["west"]
    assert isinstance(west, VSphereSettings)
    return west


def test_paths_are_meant_from_the_settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    west = site('ca_file = "dr.pem"\npassword_command = ["./pw.sh", "./x"]')
    assert west.ca_file == "/etc/dr/dr.pem" and west.password_command == ("/etc/dr/pw.sh", "./x")
    west = site('ca_file = "~/ca/dr.pem"\npassword_command = ["~/bin/pw"]')
    assert west.ca_file == "/home/op/ca/dr.pem" and west.password_command == ("/home/op/bin/pw",)
    west = site('ca_file = "/x/dr.pem"\npassword_command = ["pass", "show"]')
    assert west.ca_file == "/x/dr.pem" and west.password_command == ("pass", "show")
