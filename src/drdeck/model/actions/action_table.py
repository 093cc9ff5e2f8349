"""The only list of actions: name, label, key, when each is open, and with what care it is confirmed.

Menus, footer, palette, help, command line and the audit trail read it; the controller checks
every request against it, so that a dimmed item in a console is a courtesy and not the guard.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from drdeck.model.domains import Domain, Mode, Owner
from drdeck.model.life import life_rules, return_rules, trial_rules

from .action_rules import (
    cfo_complete_closed,
    cfo_remap_closed,
    cfo_start_closed,
    domain_busy,
    pitr_entry_closed,
    pitr_exit_closed,
    pitr_run_closed,
    pitr_start_closed,
    record_accept_closed,
    record_restore_closed,
    take_over_closed,
)
from .request import Request

READ_ONLY = "drdeck is read-only here (read_only in the settings, or --read-only); nothing can be changed"


Closed = Callable[[Domain, Request, datetime], str | None]


class Action(msgspec.Struct, frozen=True):
    """Something that an operator may ask for, or look at.

    `tier`: 1 reads or is reversible, 2 asks with Cancel focused, 3 wants the domain's name typed.

    `tier` is the lowest that the action can have; `tier_of` says what a given request needs.
    `screen` says where the key works: "list", "domain", "any". `menu`: stands in the More menu.
    """

    name: str
    label: str
    key: str
    help: str
    tier: int = 1
    menu: bool = False
    screen: str = "any"
    listed: Callable[[Domain], bool] = lambda domain: True
    closed: Closed = lambda domain, request, now: None
    help_for: Callable[[Domain], str] = lambda domain: ""
    """other words than `help`, where it does something else with a domain in this mode"""
    reads: bool = False
    """stands in the More menu, but only shows something: nothing is asked of the controller"""


def help_of(action: Action, domain: Domain | None) -> str:
    """An action in a few words: what it does with that domain as it is now."""
    return (action.help_for(domain) if domain is not None else "") or action.help


def _owned_pitr(domain: Domain) -> bool:
    return (
        domain.owner is Owner.LOCAL
        and domain.pitr.enabled
        and domain.session is None
        and domain.mode in (Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED)
    )


def _before_failover(domain: Domain) -> bool:
    return domain.mode in (Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED, Mode.COMPLETING)


ACTIONS: tuple[Action, ...] = (
    Action(
        "cfo_start", "Continuous Failover", "", "start continuous failover of the domain", 2, True, "domain",
        lambda d: _before_failover(d), cfo_start_closed,
    ),
    Action(
        "cfo_complete", "Failover", "f", "complete the continuous failover", 2, True, "domain",
        lambda d: _before_failover(d), cfo_complete_closed,
        lambda d: "start the continuous failover and complete it, at once" if d.mode is Mode.IMPORTED else "",
    ),
    Action(
        "cfo_remap", "Map Networks Anew", "", "change recovery networks after they were chosen", 2, True,
        "domain", lambda d: False, cfo_remap_closed,
    ),
    Action(
        "cfo_cancel", "Cancel Continuous Failover", "", "give it up; the domain is imported again", 2, True,
        "domain", life_rules.cancel_listed, lambda d, request, now: life_rules.cancel_closed(d),
    ),
    Action(
        "test_start", "Test Failover", "", "clone the VMs into an isolated network, and start them", 2, True,
        "domain", trial_rules.start_listed, trial_rules.start_closed,
    ),
    Action(
        "test_end", "End Test", "", "remove the test VMs; say what came of the test", 2, True, "domain",
        trial_rules.end_listed, lambda d, request, now: trial_rules.end_closed(d, request),
    ),
    Action(
        "test_detach", "Detach Foreign Disks", "", "take disks of others off test VMs, and remove these", 2,
        True, "domain", trial_rules.detach_listed, lambda d, request, now: trial_rules.detach_closed(d),
    ),
    Action(
        "test_adopt", "Adopt Test VMs", "", "take test VMs that no list has back, for End Test", 2, True,
        "domain", lambda d: bool(d.strays), lambda d, request, now: trial_rules.adopt_closed(d, request),
    ),
    Action(
        "pitr_start", "Start PITR Session", "", "start a PITR session by hand", 2, True, "domain",
        _owned_pitr, pitr_start_closed,
    ),
    Action(
        "pitr_run", "Run PITR", "p", "roll the VMs back to an instant", 2, True, "domain",
        lambda d: d.session is not None, pitr_run_closed,
    ),
    Action(
        "pitr_entry", "Make Entry Points", "", "make the entry points that VMs of the session lack", 2, True,
        "domain", lambda d: d.session is not None and any(vm.lacks_entry for vm in d.vms), pitr_entry_closed,
    ),
    Action(
        "pitr_exit", "Exit PITR Session", "", "end the session; protection resumes", 2, True, "domain",
        lambda d: d.session is not None, pitr_exit_closed,
    ),
    Action(
        "take_over", "Take Over", "", "drive the domain from here, and continue what was started", 2, True,
        "domain", lambda d: d.holder is not None or d.left_by is not None, take_over_closed,
    ),
    Action(
        "record_restore", "Write Record Back", "", "write back the record that somebody removed", 3, True,
        "domain", lambda d: d.record_removed, record_restore_closed,
    ),
    Action(
        "record_accept", "Accept Removal", "", "it was removed on purpose: continue without it", 3, True,
        "domain", lambda d: d.record_removed, record_accept_closed,
    ),
    Action(
        "failover_undo", "Undo Failover", "", "give up what was written here, and be imported again", 3, True,
        "domain", life_rules.uncommitted, lambda d, request, now: life_rules.undo_closed(d),
    ),
    Action(
        "failover_commit", "Commit Failover", "", "let the failover stand; it cannot be undone any more", 2,
        True, "domain", life_rules.uncommitted, lambda d, request, now: life_rules.commit_closed(d),
    ),
    Action(
        "domain_failback", "Failback", "", "bring it back to the protected site, which owns it then", 2, True,
        "domain", return_rules.failback_listed, lambda d, request, now: return_rules.failback_closed(d),
    ),
    Action(
        "cfo_resume", "Resume Continuous Rehydration", "", "bring up to date what a failback left here", 2,
        True, "domain", lambda d: d.way_back.resumable, lambda d, request, now: return_rules.resume_closed(d),
    ),
    Action(
        "domain_restore", "Restore", "", "make this site its primary site; its VMs stay here", 2, True,
        "domain", return_rules.restore_listed, lambda d, request, now: return_rules.restore_closed(d),
    ),
    Action(
        "domain_release", "Release Domain", "", "the other side owns it; it is imported here again", 2, True,
        "domain", return_rules.owned_here, lambda d, request, now: return_rules.release_closed(d),
    ),
    Action(
        "release_cancel", "Cancel Release", "", "keep a domain here that waits for its replicas", 2, True,
        "domain", lambda d: d.mode is Mode.RELEASING,
        lambda d, request, now: return_rules.cancel_release_closed(d),
    ),
    Action(
        "way_back", "Way Back", "", "what is open now, what each needs, in which order", 1, True, "domain",
        return_rules.way_back_listed, reads=True,
    ),
    Action("open", "Open", "enter", "open what the cursor is on"),
    Action("back", "Back", "escape", "go back; in a dialog: Cancel"),
    Action("more", "More", "m", "the domain's More menu"),
    Action("plan", "Failover Plan", "F", "many domains as one: choose, check, begin, follow"),
    Action("steps", "Task Steps", "t", "what is done, going on and to come"),
    Action("log", "Task Log", "l", "operations of this controller"),
    Action("results", "Results", "r", "what ended while you were here, the newest first"),
    Action("filter", "Filter", "slash", "show only what matches", screen="list"),
    Action("sort", "Sort", "s", "by name, mode, RPO, or as the site has them", screen="list"),
    Action("columns", "Columns", "c", "which columns the list has, and by which it is sorted", screen="list"),
    Action("answer", "Answer", "a", "to the choices of what is asked here, else to the next question"),
    Action("next_need", "Next", "n", "the next domain that needs somebody"),
    Action("previous_need", "Previous", "N", "the one before"),
    Action("alarms", "All alarms", "A", "alarms of all domains, the gravest first"),
    Action("copy", "Copy", "y", "what is under the cursor, to your clipboard"),
    Action("lessons", "Training lessons", "L", "guided walkthroughs: choose one to begin it"),
    Action("doctor", "Doctor", "D", "what is wrong here, and what to do"),
    Action("password", "Password", "P", "give a password that a login waits for"),
    Action("add_site", "Add a vCenter site", "S", "test it, then write it into the settings"),
    Action("palette", "Palette", "colon,ctrl+p", "every act, domain, VM and site by name"),
    Action("help", "Help", "question_mark", "keys of this screen"),
    Action("detach", "Detach", "d", "leave; the controller continues"),
    Action("quit", "Quit", "ctrl+q", "say what is under way, then leave"),
)  # fmt: skip


EVEN_WHILE_BUSY = ("take_over", "record_restore", "record_accept")
"""Actions about the domain itself, whatever goes on in it."""


NEVER_OBSERVED = (
    *EVEN_WHILE_BUSY,
    "cfo_remap",
    "pitr_entry",
    "test_end",
    "test_detach",
    "cfo_resume",
    "release_cancel",
    "way_back",
)
"""Actions that nobody looks for where a domain can only be looked at: they are about drdeck's own doings."""


BY_NAME = {action.name: action for action in ACTIONS}


def refusal(request: Request, domain: Domain, now: datetime, read_only: bool = False) -> str | None:
    """The rule that forbids a request, as a sentence, or None when it is open."""
    action = BY_NAME.get(request.action)
    if action is not None and action.reads:
        return None
    if read_only:
        return READ_ONLY
    if action is None or not action.menu:
        return f"{request.action!r} is not something that can be asked for"
    if domain.unread:
        return f'the VMs of "{domain.name}" are being read'
    if domain.observed_only:
        return domain.observed_only
    busy = None if action.name in EVEN_WHILE_BUSY else domain_busy(domain)
    return busy or action.closed(domain, request, now)


def menu(domain: Domain, now: datetime, read_only: bool = False) -> list[tuple[Action, str | None]]:
    """The More menu of a domain: each shown item with the reason why it is dimmed, or None.

    Where a domain can only be looked at, all that an operator might look for is there, dimmed.
    """
    return [
        (action, refusal(Request(action=action.name, domain=domain.name), domain, now, read_only))
        for action in ACTIONS
        if action.menu
        and (action.listed(domain) or (domain.observed_only and action.name not in NEVER_OBSERVED))
    ]
