"""A controller that runs with other settings than a command reads (register F6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console.terminal import Terminal
from tests.support.deck import Deck
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter

OTHER = "the controller runs with other settings"


def test_said_by_every_command_and_nothing_is_begun(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    assert OTHER not in flow.deck.run("domains").stderr
    text = flow.deck.config.read_text("utf-8")
    flow.deck.config.write_text(text.replace('ready_timeout = "60s"', 'ready_timeout = "61s"'), "utf-8")
    assert f"warning: {OTHER}" in flow.deck.run("domains").stderr
    refusal = flow.deck.run("cfo", "start", DOMAIN, code=3).stderr
    assert (
        OTHER in refusal
        and str(flow.deck.config) in refusal
        and flow.deck.typed("controller restart") in refusal
    )

    flow.deck.config.write_text(text, "utf-8")
    flow.deck.run("cfo", "start", DOMAIN, "--wait")
    assert OTHER not in flow.deck.run("domains").stderr


def test_what_is_not_of_the_site_changes_nothing(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.run("domains")
    text = flow.deck.config.read_text("utf-8")
    flow.deck.config.write_text(text + '\n[console]\ntheme = "mono"\n', "utf-8")
    assert OTHER not in flow.deck.run("domains").stderr


@pytest.mark.parametrize("how", ["stop", "restart"])
def test_after_a_stop_the_new_settings_hold(make_flow: MakeFlow, recovery: VCenter, how: str) -> None:
    flow = make_flow(recovery, None)
    flow.deck.run("domains")
    text = flow.deck.config.read_text("utf-8")
    flow.deck.config.write_text(text.replace('"60s"', '"61s"'), "utf-8")
    flow.deck.run("controller", how)
    flow.deck.run("cfo", "start", DOMAIN, "--wait")


def test_a_console_says_when_the_file_changes(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.run("domains")
    text = flow.deck.config.read_text("utf-8")
    terminal = Terminal(flow.deck.argv(), flow.deck.env, columns=120)
    try:
        terminal.wait_for(DOMAIN)
        flow.deck.config.write_text(text.replace('"60s"', '"61s"'), "utf-8")
        terminal.wait_for("settings changed at ", "restart the controller to use them")
        flow.deck.config.write_text(text.replace('"60s"', '"6'), "utf-8")
        terminal.wait_for("and cannot be used")
        flow.deck.config.write_text(text, "utf-8")
        terminal.wait_gone("settings changed at ")
        flow.deck.config.write_text(text.replace('"60s"', '"62s"'), "utf-8")
        terminal.wait_for("settings changed at ")
        flow.deck.run("controller", "restart")
        terminal.wait_gone("settings changed at ")
        terminal.wait_for(DOMAIN)
    finally:
        terminal.close()


TRAINING = """
[sites.training]
kind = "training"
scenario = "ransomware"
speed = 10
"""


def test_a_training_site_says_so_too_and_goes_on(tmp_path: Path) -> None:
    deck = Deck(tmp_path, TRAINING)
    assert OTHER not in deck.run("domains").stderr
    terminal = Terminal(deck.argv(), deck.env, columns=120)
    try:
        terminal.wait_for("erp-prod")
        deck.config.write_text(TRAINING.replace("10", "20"), "utf-8")
        terminal.wait_for("settings changed at ", "restart the controller to use them")
        warnings = deck.run("domains").stderr
        assert (
            OTHER in warnings
            and "(speed 10, scenario ransomware)" in warnings
            and str(deck.config) in warnings
        )
        assert OTHER not in deck.run("--speed", "10", "domains").stderr, "an option is no newer text"
        deck.run("cfo", "start", "erp-prod", "--network", "*=DRSeg")  # a speed harms nothing
        deck.config.write_text(TRAINING.replace("ransomware", "site-lost"), "utf-8")
        terminal.wait_for("the scenario site-lost")
        deck.config.write_text(TRAINING.replace("10", "20"), "utf-8")
        terminal.wait_for("restart the controller to use them")
        deck.run("controller", "restart")
        terminal.wait_gone("settings changed at ")
        assert OTHER not in deck.run("domains").stderr
    finally:
        terminal.close()
        deck.stop()


def test_options_of_the_line_are_not_settings(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    deck.run("--speed", "7", "controller", "start")
    assert OTHER not in deck.run("domains").stderr
    deck.stop()


WRONG = """
default_site = "west"
[sites.west]
kind = "vsphere"
url = "https://127.0.0.1:1/sdk"
username = "u"
root = "/DC0/vm/d"
ca_file = "missing.pem"
"""


def test_mended_settings_of_a_site_that_was_never_seen(tmp_path: Path) -> None:
    """Whoever corrects a wrong first file is told why the old words come again, and what to do."""
    deck = Deck(tmp_path, WRONG)
    try:
        assert OTHER not in deck.run("domains", code=5).stderr
        deck.config.write_text(WRONG.replace('ca_file = "missing.pem"', ""), "utf-8")
        second = tmp_path / "second.toml"
        second.write_text(WRONG.replace("/DC0/vm/d", "/DC0/vm/e"), "utf-8")
        for file, read in ((deck.config, ""), (second, f", read from {deck.config},")):
            text = f'{OTHER} of "west"{read} than {file} has now, so nothing is begun'
            warning = deck.run("--config", str(file), "domains", code=5).stderr
            assert f"warning: {text}" in warning and "controller restart` has it use these" in warning
            findings = deck.json("--config", str(file), "doctor", code=1)["findings"]
            lines = [(f["level"], f["text"]) for f in findings if f["subject"] == "controller"]
            assert lines[0][1].endswith(f", with the settings of {deck.config}"), lines
            assert lines[1] == ("warn", text)
        deck.run("controller", "restart")
        assert OTHER not in deck.run("domains", code=5).stderr
    finally:
        deck.stop()
