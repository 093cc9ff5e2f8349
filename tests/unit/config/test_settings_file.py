"""The settings file: what is right is read, what is wrong is refused with place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.config.settings import (
    Settings,
    SettingsError,
    TrainingSettings,
    VSphereSettings,
    password_variable,
)
from drdeck.config.settings_file import load, parse
from tests.support.whole_files import WHOLE_SETTINGS

FILE = Path("settings.toml")


def test_the_documented_file_is_read_whole() -> None:
    settings = parse(WHOLE_SETTINGS, FILE)
    site = settings.site("dr-west")
    assert isinstance(site, VSphereSettings)
    assert site.protected is not None
    domain = site.domain("erp-prod")
    assert (float(domain.pitr.window), float(domain.pitr.interval)) == (3 * 86400, 900)
    assert float(domain.runbook[0].delay_after) == 30
    assert site.domain("not in the file").pitr.enabled is False


def test_without_a_file_there_is_the_training_site(tmp_path: Path) -> None:
    assert load(tmp_path / "none.toml") == Settings()
    assert isinstance(Settings().site("training"), TrainingSettings)
    with pytest.raises(SettingsError, match="no such settings file"):
        load(tmp_path / "none.toml", required=True)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('theme = "dark"', 'theme = "pink"', 4, "one of dark, light, ansi, mono"),
        ('theme = "dark"', "teme = 3", 4, '"theme" would be right'),
        ("mouse = false", 'mouse = "no"', 6, "true or false"),
        ('kind = "vsphere"', 'kind = "vmware"', 8, "one of vsphere, training, jetstream"),
        ('kind = "vsphere"\n', "", 7, "the key is missing"),
        ("https://vcsa.dr.example:443/sdk", "vcsa.dr.example", 9, "an address such as"),
        ("https://vcsa.dr.example:443/sdk", "https://me:secret@vcsa/sdk", 9, "an address such as"),
        ('username = "drdeck@vsphere.local"\npassword', "password", 7, '"username" is missing'),
        (
            'username = "drdeck@vsphere.local"\npass',
            'username = "CORP\\backup"\npass',
            10,
            "use single quotes",
        ),
        ('root = "/DC0/vm/drdeck"', 'root = "/DC0/vm\\tdr"', 13, "use single quotes"),
        (
            'root = "/DC0/vm/drdeck"',
            'root = "/DC0/vm/dr\\uffff"',
            13,
            "no vCenter can be told; write the name",
        ),
        ('root = "/DC0/vm/drdeck"', 'root = "drdeck"', 13, "an inventory path such as"),
        ("parallel = 8", 'tool_page = "http://veeam"', 14, "an address such as"),
        ('ready = "tools"', 'tool_page = "https://me:secret@veeam"', 21, "an address such as"),
        ("parallel = 8", "parallel = 0", 14, "a whole number from 1 to 64"),
        ("parallel = 8", "parallel = 8\npassword = 'x'", 15, "keeps no password in a file"),
        ("parallel = 8", "parallel = 8\ninsecure = true", 15, "exclude each other"),
        ('window = "3d"', 'window = "3 dayz"', 20, "is not a duration"),
        ('window = "3d"', 'window = "1m"', 20, "longer than the window"),
        ('window = "3d"', "window = 3", 20, "a duration such as"),
        ('window = "3d"', 'window = "3d", keep = 32', 20, "32 is not a whole number from 1 to 31"),
        ('window = "3d"', 'window = "3d", keep = 0', 20, "0 is not a whole number from 1 to 31"),
        ('ready = "tools"', 'ready = "maybe"', 21, "one of power, tools, ip"),
        ('prune_also = ["HBR *"]', 'prune = "all"', 23, 'such as prune_also = ["HBR *"]'),
        ('prune_also = ["HBR *"]', 'prune_also = ["*"]', 23, "a backup or replication tool works with"),
        ('prune_also = ["HBR *"]', 'prune_also = ["veeam*"]', 23, "VEEAM BACKUP TEMPORARY SNAPSHOT"),
        ('prune_also = ["HBR *"]', 'prune_also = "HBR *"', 23, "a list of patterns"),
        ('ready = "tools"', 'ready = "tcp:0"', 21, "'tcp:0' is not one of power, tools, ip, tcp:PORT"),
        ('ready = "tools"', 'ready = "http:nowhere"', 21, "http:URL (with {ip}"),
        ('ready = "tools"', 'ready_of = { "fw*" = "ping" }', 21, "of \"fw*\": 'ping' is not one of power"),
        ('ready = "tools"', 'subnet = "10.20.0.1/16"', 21, 'a network such as "10.20.0.0/16"'),
        ('ready = "tools"', 'subnet = "10.20.0.0/64"', 21, 'a network such as "10.20.0.0/16"'),
        ('delay_after = "30s"', 'delay_after = "30s"\nready = "soon"', 28, "one of power, tools, ip"),
        (
            'delay_after = "30s"',
            'delay_after = "30s"\nsubnet = "10.20.0.1/16"',
            28,
            'a network such as "10.20.0.0/16"',
        ),
        ('vms = ["erp-db*"]', 'vms = "erp-db*"', 26, "a list of patterns"),
        ("speed = 60", "speed = -1", 31, "above 0"),
        ('default_site = "dr-west"', 'default_site = "dr-wst"', 1, "there is no site"),
        ("read_only = false", "read_only = ", None, "not valid TOML"),
        ("speed = 60", 'speed = 60\n[sites."a.b"]\nscenario = "[x]"', 32, "the key is missing"),
        ("[sites.lab]", '[sites."a b/c"]', 28, "letters, digits"),
    ],
)
def test_what_is_wrong_is_refused_with_place_and_remedy(
    old: str, new: str, line: int | None, says: str
) -> None:
    assert old in WHOLE_SETTINGS
    with pytest.raises(SettingsError) as refused:
        parse(WHOLE_SETTINGS.replace(old, new, 1), FILE)
    text = str(refused.value)
    assert says in text
    assert text.startswith("settings.toml")
    assert "\n" not in text
    if line is not None:
        assert f"line {line}:" in text, text


@given(st.integers(0, len(WHOLE_SETTINGS)), st.integers(0, 40), st.text(max_size=6))
def test_a_damaged_file_is_read_or_refused_in_one_sentence(at: int, cut: int, paste: str) -> None:
    try:
        parse(WHOLE_SETTINGS[:at] + paste + WHOLE_SETTINGS[at + cut :], FILE)
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"theme = '\xff'")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(file)


def test_the_password_variable_is_the_documented_one() -> None:
    assert password_variable("dr-west") == "DRDECK_PASSWORD_DR_WEST"


def test_the_earlier_key_for_what_holds_anyhow_is_read() -> None:
    site = parse(WHOLE_SETTINGS.replace('prune_also = ["HBR *"]', 'prune = "own"'), FILE).site("dr-west")
    assert isinstance(site, VSphereSettings) and site.domain("erp-prod").prune_also == ()


def test_domains_are_compared_as_people_see_them() -> None:
    """register F23: a letter may be one character, or two."""
    text = WHOLE_SETTINGS.replace(".erp-prod", '."caf\u0065\u0301"')
    site = parse(text, FILE).site("dr-west")
    assert isinstance(site, VSphereSettings)
    for name in ("caf\u00e9", "cafe\u0301"):
        assert site.domain(name).pitr.enabled
