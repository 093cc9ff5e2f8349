"""The words of the screens, the commands and the docs, each with what it means: the only list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class GlossaryEntry:
    """A word; `also`: other forms in which it is met, labels and values of JSON among them; `see`: other
    entries that it leads to."""

    word: str
    meaning: str
    also: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


GLOSSARY: tuple[GlossaryEntry, ...] = (
    GlossaryEntry(
        "Protected Domain",
        "A group of VMs that is protected, failed over and rolled back together. At a vCenter it is a VM"
        " folder directly under the site's root.",
        ("domain",),
    ),
    GlossaryEntry(
        "protected site",
        "Where the VMs of a domain run in normal times.",
        ("production",),
        ("recovery site",),
    ),
    GlossaryEntry(
        "recovery site",
        "Where the VMs are brought up after a failover; the site that drdeck is connected to.",
        (),
        ("protected site",),
    ),
    GlossaryEntry(
        "owner",
        "The one site that may write a domain: LOCAL is this site, REMOTE the other one. A failover moves the"
        " ownership here.",
        ("Owner Site", "local", "remote"),
    ),
    GlossaryEntry(
        "continuous failover",
        "The recovery site keeps rebuilding the VMs' data while they still run at the protected site, so that"
        " taking over needs minutes. It is started once, long before, and completed when it is needed.",
        ("CFO", "cfo start"),
        ("rehydration", "completing"),
    ),
    GlossaryEntry(
        "rehydration",
        "Bringing protected data into disks at the recovery site; continuous while a continuous failover is"
        " in progress.",
        ("continuous rehydration", "rehydrating"),
    ),
    GlossaryEntry(
        "completing",
        "Taking a domain over: its VMs are recovered at the recovery site and started in the order of the"
        " runbook. Its type is Regular, Planned or Force.",
        ("Failover", "cfo complete", "complete"),
        ("regular", "planned", "force"),
    ),
    GlossaryEntry(
        "regular",
        "A failover of VMs that do not run at the protected site any more, while that site answers.",
        ("Regular Failover",),
    ),
    GlossaryEntry(
        "planned",
        "A failover without a disaster: the VMs are SHUT DOWN at the protected site first, their last data"
        " is taken over, then they start here. Nothing is lost.",
        ("Planned Failover",),
    ),
    GlossaryEntry(
        "force",
        "A failover that declares the protected site lost: nothing there is contacted, and what was written"
        " since the last transfer is lost. If the VMs still run there, both copies run at once (split"
        " brain).",
        ("Force Failover",),
    ),
    GlossaryEntry(
        "PITR",
        "Point-in-time recovery: rolling VMs back to an instant inside the domain's window. Only a domain"
        " that is PITR-enabled in the settings has it.",
        ("Run PITR", "point-in-time recovery", "rollback"),
        ("PITR session", "restore point"),
    ),
    GlossaryEntry(
        "PITR session",
        "The time in which VMs may be rolled back, tested and rolled back again. They are NOT protected"
        " meanwhile. It starts after a failover, where that was requested, or by hand, and ends when you exit"
        " it. An exit without a rollback after a failover deletes all restore points.",
        ("session", "pitr_session"),
    ),
    GlossaryEntry(
        "restore point",
        "An instant to roll back to: a snapshot of each VM. group: made by drdeck of all VMs; entry: when the"
        " session started; foreign: made by somebody else.",
        ("point", "group", "entry", "entry point", "foreign"),
    ),
    GlossaryEntry(
        "window",
        "How far back a rollback may go, as far as points are kept: drdeck keeps so many of its own per VM.",
        ("PITR window", "interval"),
    ),
    GlossaryEntry(
        "abnormal writing",
        "VMs write many times as much as they usually do, as an encrypting intruder would. The last good"
        " point is the last restore point before it.",
        ("last good", "last good point", "before-abnormal", "write rate"),
    ),
    GlossaryEntry(
        "excluded period",
        "A time in which a PITR session was active: no instant of it can be chosen, ever.",
        ("excluded", "cannot be reached"),
    ),
    GlossaryEntry(
        "health",
        "What the check inside a VM says of its data: ok, failed, or unknown where nothing is set to check.",
        ("failed", "ok", "unhealthy", "check"),
    ),
    GlossaryEntry(
        "ready",
        "A started VM that serves, as the settings define it (ready: power, tools, ip, tcp, http).",
        ("recovered",),
    ),
    GlossaryEntry("RPO", "The data that would be lost by a failover now, as a length of time.", ("rpo_s",)),
    GlossaryEntry("RTO", "The time from the decision until the VMs serve again."),
    GlossaryEntry(
        "runbook",
        "Groups of VMs in the order in which they start, with delays; in the settings.",
        ("runbook group",),
    ),
    GlossaryEntry(
        "operation",
        "An act that was accepted and is in the journal; its id begins with op-. It is open until it is done,"
        " failed or aborted, whatever happens to consoles.",
        ("task", "tasks"),
    ),
    GlossaryEntry(
        "question",
        "A place at which an operation needs you: retry, skip, wait, abort or confirm, by `a` in the console"
        " or by drdeck answer.",
        ("answer", "retry", "skip", "wait", "abort", "confirm"),
    ),
    GlossaryEntry(
        "controller",
        "The process behind the consoles: it watches the site and does the work, also while nobody looks.",
        ("detach",),
    ),
    GlossaryEntry(
        "lease",
        "The note in vCenter that says which controller acts on a domain; others only follow it, and may take"
        " over when it falls silent.",
        ("Take Over", "takeover", "driven by"),
    ),
    GlossaryEntry(
        "guard",
        "Watches the VMs of a PITR session and raises an alarm for whatever drdeck did not do to them.",
        ("alarm", "alarms"),
    ),
    GlossaryEntry(
        "record",
        "What drdeck keeps of a domain in the custom attributes drdeck.* of its folder in vCenter.",
        ("Write Record Back", "record restore"),
    ),
    GlossaryEntry(
        "journal",
        "Every accepted act, step and answer, chained by hashes: drdeck audit export, drdeck audit verify.",
        ("audit", "audit trail"),
    ),
    GlossaryEntry(
        "Imported", "The domain can be seen here; no continuous failover is started.", ("imported",)
    ),
    GlossaryEntry(
        "Continuous Rehydration starting",
        "The first copy of the data is under way; VMs become recoverable one after the other.",
        (),
        ("rehydration",),
    ),
    GlossaryEntry(
        "Continuous Rehydration in Progress",
        "All VMs are recoverable, and their data follows the protected site: the failover can be completed.",
        ("synchronised", "in sync"),
    ),
    GlossaryEntry(
        "Completing Continuous Failover",
        "The domain is being taken over; the Task Steps show where it stands.",
        (),
        ("completing",),
    ),
    GlossaryEntry(
        "Running in Failover",
        "The VMs run at this site, which owns the domain and makes restore points again.",
        ("running_in_failover",),
    ),
    GlossaryEntry(
        "Waits for replicas",
        "The domain was released: the other side owns it. It is imported again once each VM here has a"
        " restore point that was not there before.",
        ("releasing", "Release Domain", "domain release"),
    ),
    GlossaryEntry("Protected", "The VMs run at their own site, and are protected.", ("protected",)),
)


def lookup(word: str) -> GlossaryEntry | None:
    """The entry of a word in any of its forms, whatever the case; the word itself counts first."""
    typed = word.casefold().strip()
    for entry in GLOSSARY:
        if entry.word.casefold() == typed:
            return entry
    return next((e for e in GLOSSARY if typed in (form.casefold() for form in e.also)), None)


def page() -> Iterator[str]:
    """The lines of docs/words.md."""
    yield from ("# Words", "")
    yield "What screens, commands and these pages call things; `drdeck explain WORD` says the same. In"
    yield "brackets: other forms of a word, and its value in JSON."
    yield from ("", "| word | means |", "|---|---|")
    for entry in GLOSSARY:
        also = f" ({', '.join(entry.also)})" if entry.also else ""
        yield f"| **{entry.word}**{also} | {entry.meaning} |"
