"""The chapters of the stage: each goes through a part of the flow by keyboard and keeps its screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from drdeck.model.domains import FailoverType, Mode, SessionState
from tests.screens.stage import House, Look, Prepare, Shot, Stage, stage

Play = Callable[[Stage], Awaitable[None]]

SEG = "DRSeg"


@dataclass(frozen=True)
class Chapter:
    """`shots`: the screens that it keeps, with the labels that must stand on each letter by letter."""

    name: str
    play: Play
    shots: dict[str, tuple[str, ...]]
    prepare: Prepare | None = None
    size: tuple[int, int] = (80, 24)
    lesson: str | None = None
    read_only: bool = False
    password: str | None = None

    async def run(self, home: Path, look: Look, pictures: frozenset[str] = frozenset()) -> dict[str, Shot]:
        """The screens of this chapter in one look, by name; with an SVG of `pictures`."""
        async with stage(
            home,
            look,
            self.prepare,
            size=self.size,
            lesson=self.lesson,
            read_only=self.read_only,
            password=self.password,
        ) as made:
            made.pictures = pictures
            await self.play(made)
            return made.shots


# -- what happened before


async def history(house: House) -> None:
    """intranet runs in failover, files has a PITR session, the others are as they were."""
    await house.submit("cfo_complete", "intranet", type=FailoverType.REGULAR, networks={"VM_3700": SEG})
    await house.advance_until(lambda: house.domain("intranet").mode is Mode.RUNNING_IN_FAILOVER)
    await house.submit(
        "cfo_complete",
        "files",
        type=FailoverType.FORCE,
        run_pitr=True,
        confirm="files",
        networks={"VM_3600": SEG, "VM_3610": SEG},
    )
    await house.advance_until(lambda: active(house, "files"))
    await house.advance(451)


async def rehydrated(house: House) -> None:
    """erp-prod is synchronised."""
    await house.submit("cfo_start", "erp-prod", networks={"VM_3510": SEG, "VM_3520": SEG})
    await house.advance_until(lambda: house.domain("erp-prod").mode is Mode.SYNCHRONISED)
    await house.advance(60)


async def in_session(house: House) -> None:
    """erp-prod was failed over with Run PITR, and its session is active."""
    await rehydrated(house)
    await house.submit(
        "cfo_complete",
        "erp-prod",
        type=FailoverType.PLANNED,
        run_pitr=True,
        networks={"VM_3510": SEG, "VM_3520": SEG},
    )
    await house.advance_until(lambda: active(house, "erp-prod"))
    await house.advance(60)


async def stuck(house: House) -> None:
    """The planned failover of payroll stands still: a VM does not shut down."""
    await house.submit("cfo_complete", "payroll", type=FailoverType.PLANNED, networks={"VM_3800": SEG})
    await house.advance_until(lambda: house.domain("payroll").question is not None)


def active(house: House, name: str) -> bool:
    session = house.domain(name).session
    return session is not None and session.state is SessionState.ACTIVE


# -- the plays


async def play_list(s: Stage) -> None:
    await s.shoot("failover-in-progress", "A failover is in progress")
    await s.press("escape")
    await s.shoot("domains")
    await s.press("m")
    await s.shoot("more-imported")
    await s.press("escape", "down", "m")
    await s.shoot("more-session")
    await s.press("escape", "question_mark")
    await s.shoot("help-list")
    await s.press("escape", "colon")
    await s.shoot("palette")
    await s.press("escape", "ctrl+q")
    await s.shoot("quit")
    await s.press("escape", "slash")
    await s.type("prog")
    await s.shoot("domains-filter")
    await s.press("escape", "escape")


async def play_after(s: Stage) -> None:
    await s.press("escape", "down", "enter")
    await s.shoot("domain-session")
    await s.press("right")
    await s.shoot("tab-pitr-session")
    await s.press("m", "down", "enter")
    await s.type("files")
    await s.shoot("exit-reset", "Exit PITR Session")
    await s.press("escape", "escape", "down", "enter")
    await s.shoot("domain-after")
    await s.press("m")
    await s.shoot("more-after")
    await s.press("escape", "t")
    await s.shoot("steps-over")
    await s.press("escape", "l")
    await s.shoot("task-log")
    await s.press("enter")
    await s.shoot("task")
    await s.press("escape", "escape", "escape", "down", "down", "enter", "right", "right", "right")
    await s.shoot("tab-alarms")


async def play_start(s: Stage) -> None:
    await s.press("enter")
    await s.shoot("domain-imported")
    await s.press("m", "enter")
    await s.shoot("wizard-general")
    await s.press("enter")
    await s.shoot("wizard-networks")
    await s.press("right", "right", "equals_sign", "enter")
    await s.shoot("wizard-summary")
    await s.press("tab", "enter")
    await s.advance(45)
    await s.sees("Continuous Rehydration starting")
    await s.advance(1)
    await s.shoot("domain-rehydrating")
    await s.press("f")
    await s.shoot("refused")
    await s.press("escape", "t", "home")
    await s.shoot("steps-rehydrating")


async def play_complete(s: Stage) -> None:
    await s.press("enter")
    await s.shoot("domain")
    await s.press("right")
    await s.shoot("tab-pitr")
    await s.press("right")
    await s.shoot("tab-settings")
    await s.press("left", "left", "f")
    await s.shoot("complete")
    await s.press("2")
    await s.shoot("complete-planned")
    await s.press("3", "i")
    await s.shoot("complete-force")
    await s.press("tab")
    await s.press("enter")
    await s.shoot("message-pitr")
    await s.press("enter")
    await s.shoot("message-rehydration")
    await s.press("enter")
    await s.shoot("message-needed")
    await s.press("tab", "enter")
    await s.shoot("message-force")
    await s.type("erp-prod")
    await s.shoot("message-force-typed")
    await s.press("tab", "tab", "enter")
    await s.advance(35)
    await s.shoot("domain-completing")
    await s.press("t")
    await s.advance(10)
    await s.press("home")
    await s.shoot("steps")
    await s.press("end")
    await s.shoot("steps-end")


async def play_session(s: Stage) -> None:
    house = s.house
    await s.press("escape", "m", "enter")
    await s.shoot("run-pitr")
    await s.type("9:45")
    await s.press("enter")
    await s.shoot("run-pitr-typed")
    await s.press("enter")
    await s.shoot("run-pitr-confirm")
    await s.press("tab", "enter")
    await s.advance(10)
    await s.shoot("run-pitr-going")
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.shoot("run-pitr-unhealthy")
    await s.type("9:40")
    await s.press("enter", "enter", "tab", "enter")
    await s.advance_until(lambda: not active(house, "erp-prod"))
    await s.advance_until(lambda: active(house, "erp-prod"))
    await s.shoot("run-pitr-done")
    await s.press("escape", "enter")
    await s.shoot("domain-rolled-back")
    await s.press("m", "down", "enter")
    await s.shoot("exit-rolled-back")
    await s.press("tab", "enter")
    await s.advance_until(lambda: not house.controller.open_operations())
    await s.shoot("result")
    await s.press("enter")
    await s.shoot("domain-failed-over")


async def play_question(s: Stage) -> None:
    await s.press("right", "enter")
    await s.shoot("question")
    await s.press("a")
    await s.shoot("question-choices")
    await s.press("t")
    await s.shoot("question-steps")
    await s.press("a", "tab", "enter")
    await s.shoot("question-abort")
    await s.press("escape", "escape", "escape")
    await s.shoot("domains-asking")


async def play_stale(s: Stage) -> None:
    await s.press("escape", "down", "enter", "escape")
    s.house.site.unreachable = "vcsa.dr.example does not answer: the connection timed out"
    s.house.clock.move(1)
    s.house.site.wake()
    await s.until(lambda: s.house.controller.error is not None)
    await s.advance(75)
    await s.shoot("stale")
    await s.press("enter")
    await s.shoot("stale-domain")
    await s.press("m", "enter")
    await s.shoot("stale-refused")
    await s.press("escape", "escape")
    await s.house.server.close()
    await s.until(lambda: s.app.state.lost is not None)
    await s.shoot("no-controller")
    await s.resize(79, 23)
    await s.shoot("too-small")


async def play_read_only(s: Stage) -> None:
    await s.press("m")
    await s.shoot("read-only")


async def play_password(s: Stage) -> None:
    await s.type("secret")
    await s.shoot("password")
    await s.press("escape")
    await s.shoot("domains-password")


async def play_lesson(s: Stage) -> None:
    s.app._tick()
    await s.shoot("lesson")
    await s.press("h")
    await s.shoot("lesson-hint")
    await s.press("enter", "ctrl+t")
    await s.shoot("lesson-folded")


async def play_wide_list(s: Stage) -> None:
    await s.press("escape", "down")
    await s.shoot("wide-domains")


async def play_wide_pitr(s: Stage) -> None:
    await s.press("escape", "m", "enter")
    await s.shoot("wide-run-pitr")


BARS_BEFORE = ("Mode", "Recoverable / Total VMs", "Data (Processed/Known Remaining)", "Current Step")
BARS_AFTER = (
    "Mode", "Recoverable / Total VMs", "Replication Status", "Remaining Background Data", "Current RPO",
)  # fmt: skip
TABS = ("Protected VMs", "PITR", "Settings", "Alarms")
COMPLETE = (
    "Complete Continuous Failover for Protected Domain erp-prod", "VM Network Mapping", "Planned Failover",
    "Force Failover", "Run PITR after recovering VMs", "Cancel", "Complete Failover",
)  # fmt: skip
WIZARD = ("Continuous Failover Protected Domain", "1. General", "2b. VM Settings", "5. Summary")
STEPS = (
    "Task Steps", "Prerequisite checks", "Prepare for rehydration", "Prepare Recovery VM ISOs",
    "Recreate Protected Domain on DRVA", "Prepare temporary Recovery VMs",
    "Power on and retrieve Recovery VMs' IPs", "Recover VMs' data from Storage Site",
)  # fmt: skip
STEPS_AFTER = (
    "Take Protected Domain ownership", "Finalize rehydration", "Initialize DR Protection Mode",
    "Clean up temporary Recovery VMs",
)  # fmt: skip
RUN_PITR = ("Run PITR",)
EXIT = ("Exit PITR Session",)
RESULT = (
    "Continuous Rehydration Task Result", "VMs Recovery Status", "Total VMs Recovered", "Dismiss",
)  # fmt: skip

_LIST: dict[str, tuple[str, ...]] = {
    "failover-in-progress": ("A failover is in progress",),
    "domains": ("Protected Domains", "Select Protected Domain", "Imported", "REMOTE", "LOCAL"),
    "more-imported": ("More", "Continuous Failover", "Failover"),
    "more-session": ("More", *RUN_PITR, *EXIT),
    "help-list": ("Task Steps", "Task Log"),
    "palette": RUN_PITR,
    "quit": (),
    "domains-filter": ("Select Protected Domain",),
}
_AFTER: dict[str, tuple[str, ...]] = {
    "domain-session": (*BARS_AFTER, *TABS, "LOCAL"),
    "tab-pitr-session": TABS,
    "exit-reset": (*EXIT, "Cancel", "all PITR data is reset"),
    "domain-after": (*BARS_AFTER, *TABS, "Running in Failover", "Owner Site", "LOCAL"),
    "task-log": ("Task Log",),
    "task": ("Task Log",),
    "tab-alarms": TABS,
    "steps-over": ("Task Steps",),
    "more-after": ("Start PITR Session",),
}
_START: dict[str, tuple[str, ...]] = {
    "domain-imported": (*BARS_BEFORE, *TABS, "Imported", "Owner Site", "REMOTE", "Failover", "More"),
    "wizard-general": WIZARD,
    "wizard-networks": WIZARD,
    "wizard-summary": (*WIZARD, "Continuous Failover"),
    "domain-rehydrating": BARS_BEFORE,
    "refused": (),
    "steps-rehydrating": (*STEPS, *STEPS_AFTER),
}
_COMPLETE: dict[str, tuple[str, ...]] = {
    "domain": (*BARS_BEFORE, *TABS, "Continuous Rehydration in Progress", "Recoverable"),
    "tab-pitr": TABS,
    "tab-settings": TABS,
    "complete": COMPLETE,
    "complete-planned": COMPLETE,
    "complete-force": COMPLETE,
    "message-pitr": ("PITR session", "Cancel"),
    "message-rehydration": ("Continuous rehydration", "Cancel"),
    "message-needed": ("Force failover", "Cancel"),
    "message-force": ("Force failover", "Cancel", "Confirm"),
    "message-force-typed": ("Force failover", "Cancel", "Confirm"),
    "domain-completing": (),
    "steps": (*STEPS, *STEPS_AFTER),
    "steps-end": ("Execute runbook", "Finalize recovered VMs", "Apply DR resumption storage policy"),
}
_SESSION: dict[str, tuple[str, ...]] = {
    "run-pitr": RUN_PITR,
    "run-pitr-typed": RUN_PITR,
    "run-pitr-confirm": RUN_PITR,
    "run-pitr-going": RUN_PITR,
    "run-pitr-unhealthy": RUN_PITR,
    "run-pitr-done": RUN_PITR,
    "domain-rolled-back": BARS_AFTER,
    "exit-rolled-back": (*EXIT, "Cancel"),
    "result": RESULT,
    "domain-failed-over": (*BARS_AFTER, "Running in Failover", "LOCAL"),
}
_QUESTION: dict[str, tuple[str, ...]] = {
    "question": (),
    "question-choices": (),
    "question-steps": ("Task Steps",),
    "question-abort": (),
    "domains-asking": ("Protected Domains",),
}
_STALE: dict[str, tuple[str, ...]] = {
    "stale": ("Protected Domains",),
    "stale-domain": TABS,
    "stale-refused": (),
    "no-controller": ("Protected Domains",),
    "too-small": (),
}

CHAPTERS: dict[str, Chapter] = {
    chapter.name: chapter
    for chapter in (
        Chapter("list", play_list, _LIST, history),
        Chapter("after", play_after, _AFTER, history),
        Chapter("start", play_start, _START),
        Chapter("complete", play_complete, _COMPLETE, rehydrated),
        Chapter("session", play_session, _SESSION, in_session),
        Chapter("question", play_question, _QUESTION, stuck),
        Chapter("stale", play_stale, _STALE, history),
        Chapter("read-only", play_read_only, {"read-only": ("More",)}, read_only=True),
        Chapter("password", play_password, {"password": ("Cancel",), "domains-password": ()},
                password="vcsa.dr.example wants a password"),
        Chapter("lesson", play_lesson, {"lesson": (), "lesson-hint": (), "lesson-folded": ()}, lesson="2"),
        Chapter("wide-list", play_wide_list,
                {"wide-domains": ("Select Protected Domain", *BARS_AFTER, *TABS)}, history, size=(120, 40)),
        Chapter("wide-pitr", play_wide_pitr, {"wide-run-pitr": RUN_PITR}, in_session, size=(120, 40)),
    )
}  # fmt: skip
