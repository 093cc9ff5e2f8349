"""A controller that runs with other settings than a command reads (faults.md F6)."""

from __future__ import annotations

import pytest

from tests.support.console.terminal import Terminal
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
    said = flow.deck.run("cfo", "start", DOMAIN, code=3).stderr
    assert OTHER in said and str(flow.deck.config) in said and "drdeck controller restart" in said

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
