"""The main flow in the smallest terminal, by keyboard: what is pressed is seen, all warnings are read."""

from __future__ import annotations

import re

from tests.support.console.in_sight import focus_unseen, unseen_in
from tests.ui.screens.before import active
from tests.ui.screens.stage import Stage


async def _look(s: Stage, *texts: str) -> None:
    """The texts are on the screen, and so are the focus and the buttons."""
    await s.sees(*texts)
    unseen = unseen_in(s.dialog) if s.dialog is not None else focus_unseen(s.app.screen)
    assert not unseen, f"{unseen}\n{s.text}"


async def _read_to_the_end(s: Stage, *texts: str) -> None:
    """Page through a dialog that says that there is more below, until it does not; all texts were seen."""
    pages = [s.text]
    for _ in range(9):
        if "more below: pgdn" not in s.text:
            break
        await s.press("pagedown")
        pages.append(s.text)
    assert "more below: pgdn" not in s.text, s.text
    bare = re.sub("[│█|#]", " ", " ".join(pages))  # without the frame and the scroll bar
    words = " ".join(bare.split())
    for text in texts:
        assert text in words, f"not to be read: {text}\n{words}"


async def whole_flow(s: Stage) -> None:
    """erp-prod is started, completed by force with Run PITR, rolled back, and its session exited."""
    house = s.house
    await _look(s, "Imported", "? Help")
    await s.shoot("small-domains")
    await s.press("enter")
    await _look(s, "Protected VMs", "erp-web01", "? Help")
    await s.press("m", "enter")
    await _look(s, "Continuous Failover Protected Domain", "[>Next<]")
    await s.press("enter", "right", "right", "equals_sign", "enter")
    await _look(s, "Continuous Failover ]", "[>Cancel<]")
    await s.press("tab", "enter")
    await s.advance(45)
    await s.advance_until(lambda: house.domain("erp-prod").mode == "synchronised")
    await s.press("escape", "enter")
    await _look(s, "Continuous Rehydration in Progress")
    await s.shoot("small-domain")
    await s.press("f")
    await _look(s, "Regular", "Planned Failover", "Force Failover", "Run PITR after recovering VMs")
    await s.press("3", "i")
    await s.shoot("small-complete")
    await _read_to_the_end(s, "answers, 6 of 6 VMs run there", "(split brain)", "Not checked:")
    await s.press("tab", "enter")
    await _look(s, "PITR session", "[>Cancel<]")
    await s.press("y")
    await _look(s, "Continuous rehydration")
    await s.press("y")
    await _look(s, "Force failover", "not needed")
    await s.press("tab", "enter")
    await s.shoot("small-force", "You declare vcsa.prod lost")
    await _read_to_the_end(s, "Expected data loss", "(split brain)", "Type the name of the domain")
    await s.type("erp-prod")
    await _look(s, "erp-prod", "[ Confirm ]")
    await s.press("tab", "tab", "enter")
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.press("p")
    await s.shoot("small-run-pitr", "Run PITR of erp-prod", "lies in abnormal writing", "[ Run PITR ]")
    await s.press("g", "enter")
    await _look(s, "Roll erp-prod back to", "[>Cancel<]")
    await _read_to_the_end(s, "data is set aside", "Only disks are rolled back")
    await s.press("tab", "enter")
    await s.advance_until(lambda: not active(house, "erp-prod"))
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.press("escape")
    await s.more("Exit PITR Session")
    await s.shoot("small-exit", "The VMs stay as they are now", "[>Cancel<]")
    await _read_to_the_end(s, "are deleted", "cannot be chosen later")
    await s.press("tab", "enter")
    await s.advance_until(lambda: not house.controller.recorder.open_operations())
    await _look(s, "Continuous Rehydration Task Result")
    await _read_to_the_end(s, "Rolled back to", "Unprotected time")
    await s.press("enter")
    await _look(s, "Running in Failover")
