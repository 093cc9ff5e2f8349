"""The chapters of the stage: each goes through a part of the flow by keyboard and keeps its screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from drdeck.console.dialogs.complete_failover import LABELS
from drdeck.terminal_info import MIN_HEIGHT, MIN_WIDTH
from tests.ui.screens import plays, plays_flow, plays_plans, plays_small
from tests.ui.screens import plays_beside as beside
from tests.ui.screens.before import at_home, history, in_session, in_trouble, rehydrated, stuck, unanswered
from tests.ui.screens.house import SCENARIO
from tests.ui.screens.shots import Look, Shot
from tests.ui.screens.stage import PLAIN, SMALL, Prepare, Setting, Stage, stage

TOO_SMALL = "too-small"
"""The screen that says that there is no room."""
Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Chapter:
    """`shots`: the screens that it keeps, with the labels that must stand on each letter by letter."""

    name: str
    play: Play
    shots: dict[str, tuple[str, ...]]
    prepare: Prepare | None = None
    setting: Setting = PLAIN
    scenario: str | Path = SCENARIO

    @property
    def names(self) -> set[str]:
        """The names of its screens, and of those that there are in the smallest terminal too."""
        if self.setting.size != PLAIN.size:
            return set(self.shots)
        return {*self.shots, *(f"{name}.{SMALL}" for name in self.shots if name != TOO_SMALL)}

    async def run(
        self, home: Path, look: Look, pictures: frozenset[str] = frozenset(), smallest_too: bool = False
    ) -> dict[str, Shot]:
        """The screens of this chapter in one look, by name; with an SVG of `pictures`."""
        async with stage(home, look, self.prepare, self.setting, self.scenario) as new_stage:
            new_stage.pictures, new_stage.smallest_too = pictures, smallest_too
            await self.play(new_stage)
            return new_stage.shots


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
    "domains": ("Protected Domains", "Imported", "PITR session", "In sync"),
    "more-imported": ("More", "Continuous Failover", "Failover"),
    "test-failover": ("Test Failover of Protected Domain", "Isolated Network", "VMs of the test", "Cancel"),
    "failover-in-one": ("Failover of Protected Domain", "Failover type", "Run PITR after recovering VMs"),
    "more-session": ("More", *RUN_PITR, *EXIT),
    "help-list": ("Task Steps", "Task Log"),
    "palette": RUN_PITR,
    "palette-narrowed": EXIT,
    "quit": (),
    "alarms": ("All alarms",),
    "columns": ("Columns of the list", "State", "Tested", "Cancel"),
    "domains-filter": ("Filter",),
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
    "way-back": ("Way Back",),
    "undo-failover": ("Undo Failover", "Cancel"),
    "help-domain": ("Task Steps", "Tabs"),
    "start-session": ("Start PITR Session", "Cancel"),
    "exit-by-hand": (*EXIT, "Cancel"),
}
_LIFE: dict[str, tuple[str, ...]] = {
    "test-confirm": ("Test Failover", "isolated network", "Cancel"),
    "domain-tested": (*BARS_BEFORE, *TABS, "Imported"),
    "end-test": ("End Test", "End: passed", "End: failed", "Cancel"),
    "cancel-cfo": ("Cancel Continuous Failover", "Cancel"),
    "commit-failover": ("Commit Failover", "Cancel"),
    "restore": ("Restore", "Cancel"),
    "failback": ("Failback", "Cancel"),
    "release-domain": ("Release Domain", "Waits for replicas", "Cancel"),
}
_START: dict[str, tuple[str, ...]] = {
    "domain-imported": (*BARS_BEFORE, *TABS, "Imported", "Owner Site", "REMOTE", "Failover", "More"),
    "wizard-general": WIZARD,
    "wizard-networks": WIZARD,
    "wizard-summary": (*WIZARD, "Continuous Failover"),
    "domain-rehydrating": BARS_BEFORE,
    "refused": (),
    "steps-rehydrating": ("1 to 6", "Recover VMs' data from Storage Site", *STEPS_AFTER),
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
    "steps": ("Task Steps", "1 to 14", "Execute runbook"),
    "steps-end": ("1 to 14", "Execute runbook"),
}
_SESSION: dict[str, tuple[str, ...]] = {
    "run-pitr": RUN_PITR,
    "help-run-pitr": ("Time", "Zoom"),
    "run-pitr-refused": RUN_PITR,
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
    "result-aborted": RESULT,
    "domains-asking": ("Protected Domains",),
}
_CROWD: dict[str, tuple[str, ...]] = {
    "alarms-crowd": ("All alarms", "20 VMs", "moved or copied", "did not power on"),
    "alarms-crowd-every-vm": ("All alarms", "plant-app11"),
}
_UNKNOWN: dict[str, tuple[str, ...]] = {
    "unknown": ("Where it stands",),
    "unknown-domain": (
        'Did "files-srv01" power on?',
        "Look in vCenter, then:",
        "[ It did ]",
        "[ It did not: power it on ]",
    ),
    "unknown-retry": ("Cancel", "It did not: power it on"),
    "unknown-confirm": ("Cancel", "It did"),
    "unknown-task": ("Task",),
}
_DRIVEN: dict[str, tuple[str, ...]] = {
    "driven": (*BARS_BEFORE, *TABS),
    "more-driven": ("More", "Take Over"),
    "take-over": ("Take Over", "Cancel"),
    "take-over-silent": ("Take Over", "Cancel"),
}
_REMOVED: dict[str, tuple[str, ...]] = {
    "more-entry": ("More", "Make Entry Points", *RUN_PITR, *EXIT),
    "entry-points": ("Make Entry Points", "Cancel"),
    "record-removed": TABS,
    "more-removed": ("More", "Write Record Back", "Accept Removal"),
    "record-restore": ("Write Record Back", "Cancel"),
    "record-accept": ("Accept Removal", "Cancel"),
}
_CHANGED: dict[str, tuple[str, ...]] = {"state-changed": ("Cancel", "Back to the form")}
_STALE: dict[str, tuple[str, ...]] = {
    "stale": ("Protected Domains",),
    "stale-domain": TABS,
    "stale-refused": (),
    "doctor-stale": ("Doctor",),
    "no-controller": ("Protected Domains",),
    TOO_SMALL: (),
}
_FRESH: dict[str, tuple[str, ...]] = {
    "first-start": ("Protected Domains", "Training lessons", "Add a vCenter site"),
    "lessons": ("Training lessons", "Cancel", "Begin"),
    "doctor": ("Doctor",),
    "add-site": ("Add a vCenter site", "Cancel", "Test and add"),
    "add-site-refused": ("Add a vCenter site", "Test and add"),
    "add-site-certificate": ("Cancel", "Trust this certificate"),
    "add-site-done": ("Dismiss",),
}
_OBSERVED = "the vendor has published no call for this: use its own screen"
_APPLIANCE: dict[str, tuple[str, ...]] = {
    "appliance-vms": ("PITR in progress", "Recoverable / Total VMs", "Current Step", *TABS, "UNPROTECTED"),
    "appliance-pitr": ("Connection status", "Previous recovery 1", _OBSERVED),
    "appliance-alarms": ("DOMAIN_ALERT_OBJECT_STORE_CONNECTION_LOST", "resumable"),
    "appliance-steps": (
        "Task Steps",
        "Take Protected Domain ownership",
        "Recover VMs' data from Storage Site",
    ),
    "appliance-more": ("More", "Continuous Failover", "Failover", *RUN_PITR, *EXIT),
    "appliance-refused": (_OBSERVED,),
}
_LESSON: dict[str, tuple[str, ...]] = {"lesson": (), "lesson-hint": (), "lesson-folded": ()}
_PLAN: dict[str, tuple[str, ...]] = {
    "domains-marked": ("Protected Domains",),
    "plan-list": ("Failover Plan", "whole-site", "all"),
    "plan-check": ("Force Failover", "Run PITR after recovering VMs", "Cancel"),
    "plan-without-running": ("left out",),
    "plan-decision": ("Cancel", "Begin"),
    "plan-begun": ("wave 1 foundation", "wave 2 business", "wave 3 others"),
    "plan-run": ("Needs", "Pause Plan", "Run PITR (all)"),
    "plan-answer": ("Cancel", "Retry", "Skip"),
    "plan-pause": ("Cancel", "Pause Plan"),
    "plan-rollback": ("Run PITR (all)", "spread"),
}
_SMALL: dict[str, tuple[str, ...]] = {
    "small-domains": ("Protected Domains", "Imported", "Help"),
    "small-domain": ("Continuous Rehydration in Progress", *TABS),
    "small-complete": (*LABELS, "Run PITR after recovering VMs", "Cancel", "Complete Failover"),
    "small-force": ("Force failover", "Cancel", "Confirm"),
    "small-run-pitr": (*RUN_PITR, "lies in abnormal writing"),
    "small-exit": (*EXIT, "Cancel"),
}
_WIDE = Setting(size=(120, 40))

CHAPTERS: dict[str, Chapter] = {
    chapter.name: chapter
    for chapter in (
        Chapter("list", plays.the_list, _LIST, history),
        Chapter("after", plays.after, _AFTER, history),
        Chapter("life", plays.life, _LIFE, at_home),
        Chapter("start", plays.start, _START),
        Chapter("complete", plays.complete, _COMPLETE, rehydrated),
        Chapter("session", plays.session, _SESSION, in_session),
        Chapter("question", beside.question, _QUESTION, stuck),
        Chapter("crowd", beside.crowd, _CROWD, in_trouble, scenario=SCENARIO.with_name("crowd.toml")),
        Chapter("unknown", beside.unknown, _UNKNOWN, unanswered),
        Chapter("driven", beside.driven, _DRIVEN, history),
        Chapter("removed", beside.removed, _REMOVED, history),
        Chapter("changed", beside.changed, _CHANGED, rehydrated),
        Chapter("appliance", beside.appliance, _APPLIANCE),
        Chapter("stale", beside.stale, _STALE, history),
        Chapter("fresh", beside.fresh, _FRESH, None, Setting(fresh=True, adds=beside.ANSWERS)),
        Chapter("read-only", beside.read_only, {"read-only": ("More",)}, None, Setting(read_only=True)),
        Chapter("password", beside.password, {"password": ("Cancel",), "domains-password": ()}, None,
                Setting(password="vcsa.dr.example wants a password")),
        Chapter("plan", plays_plans.whole_site, _PLAN, scenario="whole-site"),
        Chapter("lesson", beside.lesson, _LESSON, None, Setting(lesson="2")),
        Chapter("small", plays_small.whole_flow, _SMALL, None, Setting(size=(MIN_WIDTH, MIN_HEIGHT))),
        Chapter("wide-list", beside.wide_list,
                {"wide-domains": ("Protected Domains", *BARS_AFTER, *TABS)}, history, _WIDE),
        Chapter("wide-pitr", beside.wide_pitr, {"wide-run-pitr": RUN_PITR}, in_session, _WIDE),
    )
}  # fmt: skip

RECORDING = Chapter("flow", plays_flow.flow, dict.fromkeys(plays_flow.FRAMES, ()))
"""The whole flow, which is kept as a recording only: each of its screens is one of a chapter's, too."""
