"""The whole flow in one go, from an imported domain to the end of its PITR session, for the recording."""

from __future__ import annotations

from drdeck.model.domains import Mode
from tests.ui.screens.before import active
from tests.ui.screens.stage import Stage

FRAMES = {
    "flow-list": "Protected Domains: a letter or an arrow leads on",
    "flow-networks": "m, enter: Continuous Failover. = takes one network for all",
    "flow-rehydrating": "The VMs' data is rebuilt here",
    "flow-synchronised": "In sync, and kept so. Now the site is in trouble: f",
    "flow-complete": "f, 2: Planned Failover. i: Run PITR after recovering VMs",
    "flow-message": "What happens now is said before it happens. y",
    "flow-steps": "t: Task Steps. d would detach; the controller continues",
    "flow-session": "The PITR session began; three VMs fail their check",
    "flow-points": "p: Run PITR. Where writing turns abnormal, g is the last point before",
    "flow-confirm": "enter: what is set aside, and that it can be chosen otherwise later",
    "flow-going": "Rolling back, VM by VM",
    "flow-healthy": "All VMs are well. Test; pick another point; test again",
    "flow-exit": "m, down, enter: Exit PITR Session",
    "flow-result": "The end: how much data was given up, and that all VMs are well",
}
"""screen -> what was pressed, and what it shows"""


async def flow(s: Stage) -> None:
    """Keeps the screens of `FRAMES`, in their order."""
    house = s.house
    await s.shoot("flow-list", "Protected Domains", "Imported")
    await s.press("enter", "m", "enter", "enter", "right", "right", "equals_sign")
    await s.shoot("flow-networks", "DRSeg")
    await s.press("enter", "tab", "enter")
    await s.advance(46)
    await s.shoot("flow-rehydrating", "Current Step")
    await s.advance_until(lambda: house.domain("erp-prod").mode is Mode.SYNCHRONISED)
    await s.advance(60)
    await s.shoot("flow-synchronised", "Continuous Rehydration in Progress")
    await s.press("f", "2", "i")
    await s.shoot("flow-complete", "(•) Planned Failover", "[x] Run PITR")
    await s.press("tab", "enter", "y")
    await s.shoot("flow-message", "SHUT DOWN first")
    await s.press("tab", "enter", "t")
    await s.advance(40)
    await s.press("home")
    await s.shoot("flow-steps", "Task Steps")
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.advance(60)
    await s.press("escape")
    await s.shoot("flow-session", "UNPROTECTED", "FAILED")
    await s.press("p", "g")
    await s.shoot("flow-points", "Run PITR of erp-prod", "★ last good")
    await s.press("enter")
    await s.shoot("flow-confirm", "set aside")
    await s.press("tab", "enter")
    await s.advance(10)
    await s.shoot("flow-going", "Rolling back")
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.shoot("flow-healthy")
    await s.press("escape", "m", "down", "enter")
    await s.shoot("flow-exit", "Exit PITR Session", "Cancel")
    await s.press("tab", "enter")
    await s.advance_until(lambda: not house.controller.recorder.open_operations())
    await s.shoot("flow-result", "VMs Recovery Status")
