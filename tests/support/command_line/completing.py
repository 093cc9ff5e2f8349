"""Completion of a line that is being typed, by click's protocol."""

from __future__ import annotations

import subprocess
import sys

from tests.support.deck import Deck


def complete(deck: Deck, *words: str, shell: str = "zsh") -> list[str]:
    """The candidates for the last of the words; nothing else may be written."""
    ended = subprocess.run(
        [sys.executable, "-m", "drdeck"],
        env={
            **deck.env,
            "_DRDECK_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(("drdeck", *words)),
            "COMP_CWORD": str(len(words)) if shell == "zsh" else words[-1],
        },
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    assert ended.stderr == ""
    if shell == "fish":
        return [line.partition(",")[2].partition("\t")[0] for line in ended.stdout.split("\n") if line]
    return ended.stdout.splitlines()[1::3]


def completed(deck: Deck, *words: str, shell: str = "zsh") -> list[str]:
    """The candidates once there are any: on a busy machine the controller may take longer than the second
    that a completion waits for it."""
    for _ in range(20):
        if candidates := complete(deck, *words, shell=shell):
            break
    return candidates
