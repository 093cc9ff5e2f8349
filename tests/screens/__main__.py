"""`python -m tests.screens FOLDER`: the pictures of the README and the documents, made anew."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.screens.chapters import CHAPTERS
from tests.screens.pictures import picture
from tests.screens.stage import DARK

PICTURES = {
    "domains": "list",
    "failover-in-progress": "list",
    "more-session": "list",
    "domain-session": "after",
    "exit-reset": "after",
    "task-log": "after",
    "wizard-networks": "start",
    "domain-rehydrating": "start",
    "domain": "complete",
    "complete-force": "complete",
    "message-force-typed": "complete",
    "steps": "complete",
    "run-pitr-typed": "session",
    "run-pitr-going": "session",
    "result": "session",
    "question": "question",
    "stale": "stale",
    "lesson": "lesson",
    "wide-run-pitr": "wide-pitr",
    "wide-domains": "wide-list",
}
"""screen -> the chapter that it is in"""


async def make(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in sorted({*PICTURES.values()}):
        with tempfile.TemporaryDirectory() as home:
            shots = await CHAPTERS[chapter].run(Path(home) / "stage", DARK, frozenset(PICTURES))
        for name in (name for name, where in PICTURES.items() if where == chapter):
            (folder / f"{name}.svg").write_text(picture(shots[name]), "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.screens FOLDER")
    logging.getLogger("drdeck").addHandler(logging.NullHandler())  # what the stage does on purpose
    asyncio.run(make(Path(sys.argv[1])))
