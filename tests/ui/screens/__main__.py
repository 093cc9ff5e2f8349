"""`python -m tests.ui.screens FOLDER`: the pictures, and the page that shows them all, made anew."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.ui.screens.chapters import CHAPTERS, RECORDING
from tests.ui.screens.pictures import picture
from tests.ui.screens.plays_flow import FRAMES
from tests.ui.screens.recording import animation, asciicast
from tests.ui.screens.shots import DARK

PICTURES = {
    "first-start": ("fresh", "The first start, without any settings"),
    "add-site": ("fresh", "Add a vCenter site"),
    "add-site-certificate": (
        "fresh",
        "A certificate met for the first time is shown before it is pinned",
    ),
    "doctor": ("fresh", "Doctor: terminal and site, and what to do about it"),
    "domains": ("list", "Protected Domains: seven domains in several modes, one of them unprotected"),
    "more-imported": ("list", "The More menu of an imported domain; what is dimmed says why"),
    "test-failover": ("list", "Test Failover: clones in an isolated network; the domain stays as it is"),
    "failover-in-one": ("list", "Failover of an imported domain: start and completion in one dialog"),
    "palette": ("list", "Every act, domain, VM and site by name"),
    "help-list": ("list", "The keys of a screen"),
    "columns": ("list", "The columns of the list: which are shown, and which one sorts"),
    "wizard-general": ("start", "Continuous Failover: the wizard begins"),
    "wizard-networks": ("start", "Continuous Failover: which network takes the place of which"),
    "wizard-summary": ("start", "Continuous Failover: what will be asked for; Back has the focus"),
    "domain-rehydrating": ("start", "Rehydration runs"),
    "domain": ("complete", "A domain that is synchronised"),
    "tab-pitr": ("complete", "Its PITR window"),
    "complete-force": ("complete", "Completing it: networks, type, Run PITR, and what was found there"),
    "message-pitr": ("complete", "The message about the PITR session"),
    "message-rehydration": ("complete", "The message about continuous rehydration"),
    "message-needed": ("complete", "Force is asked about once more where evidence speaks against it"),
    "message-force-typed": ("complete", "Force wants the domain's name typed"),
    "state-changed": (
        "changed",
        "Things changed while it was confirmed: that is said, and nothing was started",
    ),
    "steps": ("complete", "Task Steps, with the clock since the decision"),
    "question": ("question", "A VM that does not shut down: the operation asks"),
    "alarms-crowd": ("crowd", "A failover of 200 VMs: those that need a person, the same trouble in one row"),
    "unknown-domain": ("unknown", "An answer was lost: the result is unknown until a person looks"),
    "domain-session": (
        "after",
        "A PITR session is active: its VMs are unprotected, on every screen",
    ),
    "more-session": ("list", "The More menu in a PITR session"),
    "run-pitr-typed": (
        "session",
        "Run PITR: where the write rate turns abnormal, and the VMs' health",
    ),
    "run-pitr-refused": ("session", "A typed time that cannot be reached is refused in a sentence"),
    "run-pitr-going": ("session", "Rolling back, VM by VM"),
    "exit-reset": ("after", "Leaving without a rollback: what is lost, and the name typed"),
    "result": ("session", "The end"),
    "way-back": ("after", "Way Back: what is open, by whom it is done, and what drdeck has checked"),
    "undo-failover": ("after", "Undo Failover: what was written here is given up, and how much that is"),
    "domain-tested": ("life", "A domain that is being tested: mode and owner stay as they are"),
    "end-test": ("life", "End Test: what came of it, and a note"),
    "commit-failover": ("life", "Commit Failover: it stands, and cannot be undone any more"),
    "release-domain": ("life", "Release Domain: the other side owns it, on the operator's word"),
    "tab-alarms": ("after", "The alarms of a domain"),
    "task-log": ("after", "Task Log"),
    "failover-in-progress": ("list", "Attached again: a failover is in progress"),
    "take-over": ("driven", "Driven by a colleague's controller: taking over while it is at work"),
    "stale": ("stale", "A view that is out of date says since when"),
    "appliance-pitr": ("appliance", "A PITR operation at the vendor's appliance: what its one call tells"),
    "appliance-steps": ("appliance", "Its steps, with their progress as given"),
    "appliance-more": ("appliance", "Every act there is dimmed: no call is published"),
    "plan-check": ("plan", "A Failover Plan: one look at the whole site before anything begins"),
    "plan-decision": ("plan", "One decision for 36 domains: the plan's name and the number are typed"),
    "plan-run": ("plan", "The run: what needs a person first, the clock since the decision"),
    "plan-rollback": ("plan", "One instant for all sessions, with the spread of their points"),
    "password": ("password", "The site's password is asked for and kept nowhere"),
    "lesson": ("lesson", "A lesson with its coach"),
    "wide-domains": ("wide-list", "List and domain side by side, from 120 columns"),
    "wide-run-pitr": ("wide-pitr", "Run PITR at 120x40, with local times"),
}
"""screen -> the chapter that it is in, and what it shows"""


async def make(folder: Path) -> None:
    """Write every picture into a folder, the recording of the flow, and a page with all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        shots = await RECORDING.run(Path(home) / "stage", DARK, frozenset(FRAMES))
    frames = [(shots[name], caption) for name, caption in FRAMES.items()]
    (folder / "flow.svg").write_text(animation(frames), "utf-8")
    (folder / "flow.cast").write_text(asciicast(frames), "utf-8")
    for chapter in sorted({chapter for chapter, _ in PICTURES.values()}):
        with tempfile.TemporaryDirectory() as home:
            shots = await CHAPTERS[chapter].run(Path(home) / "stage", DARK, frozenset(PICTURES))
        for name in (name for name, (where, _) in PICTURES.items() if where == chapter):
            (folder / f"{name}.svg").write_text(picture(shots[name]), "utf-8")
    (folder / "README.md").write_text(page(), "utf-8")


def page() -> str:
    """All pictures in the order of the flow."""
    origin = "Made by `.ci/screenshots` from the real console on a training site; nothing is drawn by hand."
    sections = [f"## {caption}\n\n![{caption}]({name}.svg)" for name, (_, caption) in PICTURES.items()]
    flow = (
        "![The whole flow, in 40 seconds](flow.svg)\n\nIn a terminal: `asciinema play screenshots/flow.cast`."
    )
    return "\n\n".join(["# The screens", origin, flow, *sections]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.ui.screens FOLDER")
    logging.getLogger("drdeck").addHandler(logging.NullHandler())  # what the stage does on purpose
    asyncio.run(make(Path(sys.argv[1])))
