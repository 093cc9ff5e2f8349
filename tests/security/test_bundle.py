"""A bundle for a bug report holds what helps, and no password, wherever one was put."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.vcenter.flow import MakeFlow
from tests.support.vcenter.vcsim import VCenter

CANARY = "canary-Zx7!q<&>-9f3e"


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as tar:
        texts = {}
        for entry in tar:
            opened = tar.extractfile(entry)
            assert opened is not None and entry.mode == 0o600
            texts[entry.name.removeprefix("drdeck-bundle/")] = opened.read().decode()
    return texts


def test_no_password_is_in_it(make_flow: MakeFlow, recovery: VCenter, tmp_path: Path) -> None:
    recovery.change_password(CANARY)
    flow = make_flow(recovery, None)
    flow.deck.env = {k: v for k, v in flow.deck.env.items() if not k.startswith("DRDECK_PASSWORD")}
    text = flow.deck.config.read_text("utf-8")
    command = f'password_command = ["echo", "{CANARY}"]'
    flow.deck.config.write_text(text.replace("root =", f"{command}\nroot ="), "utf-8")
    flow.deck.env["DRDECK_PASSWORD_OTHER"] = "canary-2-of-another-site"
    flow.deck.run("--log-level", "debug", "domains")
    log = next(flow.deck.state.glob("*/controller.log"))
    with log.open("a") as file:  # as if it had been written, by a fault of ours
        file.write(f"{CANARY} canary-Zx7!q&lt;&amp;&gt;-9f3e canary-2-of-another-site\n")
    bundle = tmp_path / "report.tar.gz"
    stderr = flow.deck.run("doctor", "--bundle", str(bundle), code=None).stderr
    assert "passwords are not" in stderr
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    texts = unpacked(bundle)
    assert {"info.json", "doctor.json", "settings.toml", "logs/controller.log", "journal.jsonl"} <= set(texts)
    everything = "".join(texts.values())
    assert "canary" not in everything
    assert 'password_command = [\n    "echo",\n    "(left out)",\n]' in texts["settings.toml"]
    assert "controller_started" in texts["journal.jsonl"] and recovery.url in texts["settings.toml"]
    assert "DRDECK_PASSWORD_OTHER" in texts["info.json"] and "Retrieve" in texts["logs/controller.log"]
    refused = flow.deck.run("doctor", "--bundle", str(bundle), code=2).stderr
    assert "is there already; name another file" in refused


@pytest.mark.parametrize("settings", ["password = 'canary-3'\n", "not = = toml canary-4\n", ""])
def test_it_is_made_of_what_there_is(tmp_path: Path, settings: str) -> None:
    deck = Deck(tmp_path, settings)
    bundle = tmp_path / "report.tar.gz"
    deck.run("doctor", "--bundle", str(bundle), code=None)
    deck.stop()
    texts = unpacked(bundle)
    assert "canary" not in "".join(texts.values())
    assert ("fail" in texts["doctor.json"]) == bool(settings)
