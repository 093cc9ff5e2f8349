"""Every command with its streams in every state: a traceback never, and data that is lost is no success.

register F15, F20: streams that are missing, and those that somebody else set never to block.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from drdeck.cli.root import cli
from tests.support.deck import Deck

WORDS = {
    "domain": "erp-prod", "operation": "op-none", "choice": "retry", "kind": "--type=regular",
    "to": "--to=-15m",
    "shell": "bash", "lesson": "1", "port": "--port=70000", "fault": "slow_vm", "duration": "1s",
    "plan": "all", "run": "run-none", "directory": "manual", "vm": "erp-db01",
}  # fmt: skip
"""A word for each parameter that a command cannot do without."""
STREAMS = (
    ["closed", "", ""], ["", "closed", ""], ["", "full", ""], ["", "broken", ""], ["", "", "closed"],
    ["", "", "full"], ["closed", "closed", "closed"], ["", "never waits", "never waits"],
    ["broken", "", "broken"],
)  # fmt: skip
"""Input, output and messages; the first is where all can be read that a command prints."""
MORE = {
    "watch": ["--timeout", "0.1"],
    "doctor": [],
    "controller restart": ["--timeout", "5"],
    "test start": ["--dry-run"],
    "test plan": ["--dry-run"],
}
LAST = ("controller restart", "train reset", "controller stop")
"""These end the controller that the others use."""
GROWING = {(name,) for name in ("audit", "logs", "watch", "controller", "tasks", "doctor", "train")}
"""These tell of what the commands before them did."""
NOT_RUN = {"controller serve": "what the others start"}
CODES = {0, 1, 2, 3, 5, 7}


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Each command's name, with the words to call it with."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))
    if isinstance(group, click.Group) and not group.invoke_without_command:
        return
    name = " ".join(path)
    if name not in NOT_RUN:
        needed = [WORDS[p.name or ""] for p in group.params if p.required]
        yield name, [*path, *needed, *MORE.get(name, [])]


ALL = sorted(commands(cli), key=lambda command: LAST.index(command[0]) if command[0] in LAST else -1)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path, '[sites.training]\nkind = "training"\n')
    yield new_deck
    new_deck.stop()


@pytest.mark.timeout(900)
def test_all_commands_in_all_states_of_each_stream(deck: Deck) -> None:
    cases = [{"argv": [*deck.arguments, *words], "states": states} for _, words in ALL for states in STREAMS]
    case_file, answered = deck.directory / "cases.json", deck.directory / "outcomes.json"
    case_file.write_text(json.dumps(cases), "utf-8")
    deck.run("controller", "start")
    subprocess.run(
        [deck.argv()[0], "-m", "tests.support.stream_states", str(case_file), str(answered)],
        env={**deck.env, "PYTHONPATH": str(Path(__file__).parents[3])}, check=True, cwd=deck.directory,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    outcomes = json.loads(answered.read_text("utf-8"))
    assert len(outcomes) == len(cases) > 250
    quiet = set()
    usual: dict[tuple[str, ...], dict[str, Any]] = {}
    for case, outcome in zip(cases, outcomes, strict=True):
        story = f"{' '.join(case['argv'][4:])} {case['states']}: {outcome}"
        for bad in ("Traceback", "Exception ignored", "lost sys"):
            assert bad not in outcome["out"] + outcome["err"], story
        assert outcome["code"] in CODES, story
        words = tuple(case["argv"])
        if case["states"] == STREAMS[0]:
            usual[words] = outcome
        if case["states"] == STREAMS[0] and outcome["code"] == 0 and not outcome["out"]:
            quiet.add(words)  # it prints no data, so none can be lost
        once = words[4:6] in {tuple(name.split()) for name in LAST}  # it has no more to say the second time
        if case["states"][1] in ("closed", "full", "broken") and words not in quiet and not once:
            assert outcome["code"] != 0, f"nothing came out of {story}"
        if "never waits" in case["states"] and not once:
            assert outcome["code"] == usual[words]["code"], story
            for stream in ("out", "err"):
                lines, all_lines = outcome[stream].splitlines(), usual[words][stream].splitlines()
                assert not all_lines or lines, f"nothing came out of {story}"
                assert outcome[stream][-1:] == usual[words][stream][-1:], f"not all came out of {story}"
                assert words[4:5] in GROWING or len(lines) == len(all_lines), story
