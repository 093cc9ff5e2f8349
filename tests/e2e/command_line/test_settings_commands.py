"""`drdeck settings check` and `schema`, and the nearest name for one that is not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.appliance.stand_in import CERTIFICATE
from tests.support.deck import Deck

SITE = """
[sites.west]
kind = "vsphere"
url = "https://vc/sdk"
username = "u"
root = "/DC/vm/dr"
"""


def test_what_the_settings_name_is_looked_for(tmp_path: Path) -> None:
    lines = 'ca_file = "dr.pem"\npassword_command = ["./pw.sh"]\n'
    lab = '[sites.lab]\nkind = "training"\nscenario = "own.toml"\n'
    deck = Deck(tmp_path, SITE + lines + lab)
    done = deck.run("settings", "check", code=1)
    assert f"fail  west: ca_file {tmp_path}/dr.pem: No such file or directory" in done.stdout
    assert f"fail  west: password_command {tmp_path}/pw.sh: cannot be found" in done.stdout
    assert f"fail  lab: {tmp_path}/own.toml: cannot be read: there is no such file" in done.stdout

    (tmp_path / "dr.pem").write_text("x")
    assert (
        f"ca_file {tmp_path}/dr.pem: there is no certificate" in deck.run("settings", "check", code=1).stdout
    )
    (tmp_path / "dr.pem").write_bytes(CERTIFICATE.read_bytes())
    (tmp_path / "pw.sh").write_text("#!/bin/sh\n")
    (tmp_path / "pw.sh").chmod(0o755)
    (tmp_path / "settings.toml").write_text(SITE + lines)
    data = deck.json("settings", "check")
    assert data["ok"] and data["file"] == str(deck.config)
    assert {f["level"] for f in data["findings"]} == {"ok"} and len(data["findings"]) == 3
    assert not deck.state.exists()


def test_a_file_that_is_named_and_one_that_cannot_be_used(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    other = tmp_path / "other.toml"
    assert "no such settings file" in deck.run("settings", "check", str(other), code=2).stdout
    other.write_text(SITE.replace("username", "usrname"))
    done = deck.run("settings", "check", str(other), code=2)
    assert f'{other}, line 5: sites.west.usrname: unknown key; "username" would be right' in done.stdout


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('ready = "ip"', "it belongs into a table [sites.NAME.domains.DOMAIN]"),
        ('theme = "mono"', "it belongs into the table [console]"),
        ("paralell = 3", '"parallel" would be right'),
        ("nonsense = 1", "known here: ca_file"),
    ],
)
def test_a_key_that_is_not_known(tmp_path: Path, line: str, says: str) -> None:
    assert says in Deck(tmp_path, f"{SITE}{line}\n").run("settings", "check", code=2).stdout


def test_a_site_that_is_not_known(tmp_path: Path) -> None:
    refusal = Deck(tmp_path, SITE).run("--site", "wets", "domains", code=2).stderr
    assert '"west" is the nearest; known sites: training, west' in refusal


def test_the_schema_is_json(tmp_path: Path) -> None:
    schema = json.loads(Deck(tmp_path).run("settings", "schema").stdout)
    assert "SettingsTable" not in schema["definitions"] and schema["properties"]["sites"]
