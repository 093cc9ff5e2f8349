"""Paths of settings, options and variables: whole, the same for all, and named (register F18)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.appliance.stand_in import CERTIFICATE
from tests.support.deck import Deck

WEST = """
[sites.west]
kind = "vsphere"
url = "https://127.0.0.1:9/sdk"
username = "u"
root = "/DC/vm/dr"
"""
MSA = """
[sites.msa]
kind = "jetstream"
url = "https://127.0.0.1:9"
domains = ["e052a641-7018-408e-aebd-8122a3db1f5f"]
"""


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path, "")
    new_deck.env |= {"HOME": str(tmp_path / "home"), "DRDECK_PASSWORD_WEST": "x"}
    (tmp_path / "home").mkdir()
    yield new_deck
    new_deck.run("--site", "west", "controller", "stop", code=None)


@pytest.mark.parametrize(
    ("ca_file", "place", "reason"),
    [
        ("dr.pem", "dr.pem", "No such file or directory"),
        ("~/ca/dr.pem", "home/ca/dr.pem", "No such file or directory"),
        ("certificates", "certificates", "Is a directory"),
        ("empty.pem", "empty.pem", "there is no certificate in it"),
    ],
)
def test_a_ca_file_that_is_no_use_is_named_by_all(deck: Deck, ca_file: str, place: str, reason: str) -> None:
    """The file and not a directory above it, by the controller, doctor and `settings check` alike."""
    (deck.directory / "certificates").mkdir()
    (deck.directory / "empty.pem").write_text("")
    deck.config.write_text(f'default_site = "west"\n{WEST}ca_file = "{ca_file}"\n')
    whole = str(deck.directory / place)
    for words, code in ((("domains",), 5), (("doctor",), 1), (("settings", "check"), 1)):
        done = deck.run(*words, code=code)
        output = done.stdout + done.stderr
        assert f"ca_file {whole}" in output and reason in output, output
    assert f"settings: {deck.config}, site west" in deck.run("doctor", code=1).stdout


def test_a_directory_that_others_can_write_to_is_told_with_the_file(deck: Deck) -> None:
    (deck.directory / "open").mkdir()
    (deck.directory / "open" / "dr.pem").write_bytes(CERTIFICATE.read_bytes())
    (deck.directory / "open").chmod(0o777)
    deck.config.write_text(f'default_site = "west"\n{WEST}ca_file = "open/dr.pem"\n')
    refusal = deck.run("domains", code=5).stderr
    assert f"other users can write to the directory {deck.directory}/open" in refusal
    assert f"check ca_file {deck.directory}/open/dr.pem" in refusal


def test_the_files_of_an_appliance_are_looked_for_too(deck: Deck) -> None:
    """A sibling that nobody named: two servers, two files."""
    table = WEST.replace("[sites.west]", "[sites.msa.vcenter]").replace('kind = "vsphere"\n', "")
    deck.config.write_text(f'{MSA}ca_file = "msa.pem"\n{table}ca_file = "~/vc.pem"\n')
    report = deck.run("settings", "check", code=1).stdout
    assert f"fail  msa: ca_file {deck.directory}/msa.pem: No such file" in report
    assert f"fail  msa.vcenter: ca_file {deck.directory}/home/vc.pem: No such file" in report
    for file in (deck.directory / "msa.pem", deck.directory / "home" / "vc.pem"):
        file.write_bytes(CERTIFICATE.read_bytes())
    assert deck.json("settings", "check")["ok"]


@pytest.mark.parametrize("scenario", ["~nobody-here/x.toml", "~/x.toml", "./x.toml"])
def test_a_scenario_that_is_not_there_is_named(deck: Deck, scenario: str) -> None:
    deck.config.write_text(f'[sites.lab]\nkind = "training"\nscenario = "{scenario}"\n')
    refusal = deck.run("--site", "lab", "domains", code=2).stderr
    place = scenario.replace("~/", f"{deck.directory}/home/").replace("./", f"{deck.directory}/")
    assert f"{place}: cannot be read: there is no such file" in refusal


def test_variables_that_no_shell_has_expanded(deck: Deck) -> None:
    """A sibling that nobody named: cron and a container's ENV hand ~ on as it is."""
    home = deck.directory / "home"
    (home / "dr.toml").write_text('[sites.training]\nkind = "training"\n')
    deck.env |= {"DRDECK_CONFIG": "~/dr.toml", "DRDECK_STATE": "~/state"}
    bare = [*deck.argv()[:3], "info", "--json"]
    done = subprocess.run(bare, env=deck.env, cwd=deck.directory, capture_output=True, check=True)
    data = json.loads(done.stdout)
    assert data["settings"]["path"] == f"{home}/dr.toml" and data["settings"]["exists"]
    assert data["paths"]["state"].startswith(f"{home}/state/")
    assert not (deck.directory / "~").exists()
