"""Controllers of all sites: listed, ended with a last word, and started anew at a safe instant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deck import Deck
from tests.support.vcenter.flow import MakeFlow, eventually
from tests.support.vcenter.vcsim import VCenter

TWO = """
[sites.lab]
kind = "training"
speed = 60
[sites.other]
kind = "training"
scenario = "busy-night"
"""


def test_all_are_listed_and_info_names_paths_and_versions(tmp_path: Path) -> None:
    deck = Deck(tmp_path, TWO)
    assert deck.json("controller", "status", "--all") == {"controllers": []}
    first = subprocess.run(deck.argv("--site", "lab", "domains"), env=deck.env, capture_output=True)
    assert first.returncode == 0, first.stderr
    deck.run("controller", "start")
    try:
        running = deck.json("controller", "status", "--all")["controllers"]
        assert sorted(c["site"] for c in running) == ["lab", "training"]
        assert all(c["pid"] and c["version"] and c["error"] is None for c in running)
        assert "lab" in deck.run("controller", "status", "--all").stdout

        os.kill(running[0]["pid"], signal.SIGSTOP)
        silent = deck.json("controller", "status", "--all")["controllers"]
        os.kill(running[0]["pid"], signal.SIGCONT)
        assert [c["error"] is None for c in silent] == [False, True]
        assert f"process {running[0]['pid']}" in silent[0]["error"]

        deck.env["DRDECK_PASSWORD_LAB"] = "canary-7"
        data = deck.json("info")
        assert data["state"] == str(deck.state) and data["settings"]["path"] == str(deck.config)
        assert data["sites"] == ["lab", "other", "training"] and len(data["controllers"]) == 2
        assert data["libraries"]["textual"] and data["paths"]["journal"].startswith(str(deck.state))
        plain = deck.run("info").stdout
        assert "DRDECK_PASSWORD_LAB: (set)" in plain and "canary-7" not in plain
    finally:
        deck.stop()
        ended = subprocess.run(
            deck.argv("--site", "lab", "controller", "stop"), env=deck.env, capture_output=True, text=True
        )
    assert "has ended; no operation was open" in ended.stderr
    assert deck.json("controller", "status", "--all") == {"controllers": []}


def test_info_says_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    deck = Deck(tmp_path, "colour = 1\n")
    assert "colour" in deck.json("info")["settings"]["error"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--scenario", "nope"), 'there is no scenario "nope"'),
        (("--scenario", "./nope.toml"), "there is no such file"),
    ],
)
def test_what_cannot_start_leaves_nothing_behind(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    deck = Deck(tmp_path)
    done = deck.run(*words, "domains", code=None)
    assert done.returncode in (1, 2) and says in done.stderr
    assert not deck.state.exists()


def test_a_scenario_of_the_environment_is_for_training_sites(make_flow: MakeFlow, recovery: VCenter) -> None:
    flow = make_flow(recovery, None)
    flow.deck.env["DRDECK_SCENARIO"] = "nope"
    flow.deck.run("domains")
    assert 'no scenario "nope"' in flow.deck.run("--site", "training", "domains", code=2).stderr
    flow.deck.env["DRDECK_SCENARIO"] = "busy-night"
    flow.deck.run("--site", "training", "domains")
    assert (flow.deck.state / "training-busy-night").is_dir()
    flow.deck.run("--site", "training", "controller", "stop")


def test_an_ignored_speed_and_another_scenario_are_said(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    try:
        deck.run("--speed", "50", "domains")
        assert "--speed" not in deck.run("domains").stderr + deck.run("--speed", "50", "domains").stderr
        for command in (("domains",), ("controller", "start")):
            assert "--speed 7 is ignored" in deck.run("--speed", "7", *command).stderr
        deck.run("--speed", "7", "controller", "restart")
        assert "--speed" not in deck.run("--speed", "7", "domains").stderr
    finally:
        deck.stop()


def test_restart_waits_for_what_is_under_way_and_keeps_operations(
    make_flow: MakeFlow, recovery: VCenter
) -> None:
    flow = make_flow(recovery, None)
    flow.start()
    recovery.slow("PowerOnVM_Task", None, 600_000)
    ident = flow.complete("force")
    eventually(lambda: recovery.calls()["PowerOnVM_Task"] > 0)
    before = flow.pid()
    refused = flow.deck.run("controller", "restart", "--timeout", "1", code=1).stderr
    assert "still under way after 1 s" in refused and "power on" in refused
    assert flow.pid() == before, "it goes on as it was"

    text = flow.deck.config.read_text("utf-8")
    flow.deck.config.write_text(text.replace('ready_timeout = "60s"', 'ready_timeout = "61s"'), "utf-8")
    waiting = subprocess.Popen(
        flow.deck.argv("controller", "restart"), env=flow.deck.env, stderr=subprocess.PIPE, text=True
    )
    recovery.clear_rules()
    recovery.release()
    _, stderr = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and f"was process {before}" in stderr, stderr
    assert flow.pid() != before
    assert "other settings" not in flow.deck.run("domains").stderr
    eventually(lambda: flow.operation(ident)["state"] == "done")
    assert len([e for e in flow.journal("intent") if "power on" in e["data"]["says"]]) == 3


def test_a_controller_of_another_version_is_ended_by_restart(tmp_path: Path) -> None:
    deck = Deck(tmp_path)
    old = (
        "import sys; import drdeck.controller.ipc.protocol as p; p.VERSION = 0;"
        " from drdeck.cli.root import run; sys.exit(run(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", old, *deck.arguments, "controller", "serve"], env=deck.env,
        stdout=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    try:
        assert "controller restart" in deck.run("domains", code=1).stderr
        assert "another version" in deck.run("controller", "stop", code=3).stderr
        assert f"was process {process.pid}" in deck.run("controller", "restart").stderr
        assert process.wait(10) == 0
        deck.run("domains")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        deck.stop()
