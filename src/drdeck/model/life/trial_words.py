"""Sentences that a person should read before a test of a domain is begun or ended, or comes to its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drdeck.model.domains import Domain
from drdeck.model.facts.trial_facts import LastTrial, Trial, TrialRoom, TrialState
from drdeck.model.text import show_bytes, some
from drdeck.model.times import show_age, show_spaced

from .trial_rules import TrialWish, strays_meant, trial_networks

TOOL_SAYS = (
    "The replication tool's retention must not run meanwhile: the test VMs stand on the replicas' snapshots"
)
"""Goes under what is not checked: no vCenter tells of a tool's jobs."""
ADOPTED = "taken back into the list; End Test removes it"
_NAMED = 5


def trial_consequences(action: str, wish: TrialWish, domain: Domain, now: datetime) -> list[str]:
    """The sentences of a test's start or end, and of a failover while it goes on; none for others."""
    match action:
        case "test_start":
            return _start(wish, domain)
        case "test_end":
            return _end(domain)
        case "test_detach":
            return _detach(domain)
        case "test_adopt":
            return _adopt(wish, domain)
        case "cfo_complete" if domain.trial is not None and domain.trial.state is not TrialState.LEFT_OVER:
            return ["The test of the domain ends first: its test VMs are powered off at once."]
        case "cfo_start" | "cfo_complete":
            return [] if domain.trial_offer is None else [last_trial_says(domain.tested, now, domain.name)]
    return []


def last_trial_says(tested: LastTrial | None, now: datetime, name: str) -> str:
    """The last test of a domain, in one sentence."""
    if tested is None:
        return f"{name} was never tested."
    age = show_age((now - tested.at).total_seconds())
    note = f": {tested.note}" if tested.note else ""
    return f"Last tested {show_spaced(tested.at)} ({age} ago), result {tested.result}{note}."


def tested_word(tested: LastTrial | None, now: datetime, testable: bool = True) -> str:
    """The age of a domain's last test, "3d", with its result where that is not "passed"; "never"; "-": the
    site tests nothing."""
    if tested is None:
        return "never" if testable else "-"
    age = show_age((now - tested.at).total_seconds())
    return age if tested.result == "passed" else f"{age} {tested.result}"


def trial_consent(domain: Domain) -> str:
    """The reason why a start wants the domain's name typed; empty: none."""
    offer = domain.trial_offer
    if offer is None or not offer.connected:
        return ""
    return f"the test VMs would be reachable, and reach others: {offer.connected}"


def trial_not_checked(action: str, domain: Domain) -> tuple[str, ...]:
    """Facts that nobody can tell before a test is started."""
    if action != "test_start" or domain.trial_offer is None:
        return ()
    return (TOOL_SAYS,)


def room_says(room: TrialRoom) -> str:
    """The room that a test needs on a datastore, and has there, in one sentence."""
    return (
        f"On {room.datastore} the test VMs need {show_bytes(room.needed)} ({room.share:.0%} of their disks),"
        f" and {show_bytes(room.free)} are free."
    )


def no_room(rooms: Iterable[TrialRoom]) -> str | None:
    """The datastores that have less than a test needs, in a sentence; None: all have it."""
    short = [room_says(room) for room in rooms if room.free < room.needed]
    return f"{' '.join(short)} Make room, or test fewer VMs with --vm" if short else None


def _start(wish: TrialWish, domain: Domain) -> list[str]:
    offer = domain.trial_offer
    point = f"as of {show_spaced(wish.to)}, or the last point before" if wish.to else "from its newest point"
    count = len(wish.vms) or domain.vms_total
    networks = trial_networks(domain, wish.networks)
    pairs = [f"{a} to {b}" for a, b in sorted(networks.items()) if a in domain.networks.protected]
    words = [
        f"Each of {count} VMs is cloned {point}, and started on an isolated network: {some(pairs, _NAMED)}.",
        "The domain stays as it is, here and at the protected site; nothing of it is powered on or changed.",
    ]
    if offer is not None:
        lasts_s = wish.ends_after_s or offer.ends_after_s
        words.append(f"The test is to end within {_hours(lasts_s)}; End Test removes all test VMs.")
    return words


def _end(domain: Domain) -> list[str]:
    trial = domain.trial
    if trial is None:
        return []
    names = some([vm.name for vm in trial.vms], _NAMED)
    return [
        f"The test VMs are powered off and removed: {names or 'none is there'}.",
        "What was done in them is lost.",
        "One that is not surely drdeck's is not removed: it is named as left over.",
    ]


def _detach(domain: Domain) -> list[str]:
    disks = domain.trial.foreign if domain.trial is not None else ()
    return [
        f"Detached, without deleting any file: {some([f'{file} from {vm}' for file, vm in disks], _NAMED)}.",
        *_end(domain),
    ]


def _adopt(wish: TrialWish, domain: Domain) -> list[str]:
    names = some([vm.name for vm in strays_meant(domain, wish)], _NAMED)
    return [
        f"Taken into the list of what is left over: {names}. Nothing is done to it now.",
        "End Test removes it, if it is surely drdeck's then.",
    ]


def trial_says(trial: Trial, now: datetime) -> str:
    """A test in a few words, "01:12 of 4h"."""
    minutes = int(trial.lasts_s(now)) // 60
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    if trial.state is TrialState.LEFT_OVER and not trial.vms and trial.waits_for:
        return "over; the replication tool is paused still"
    if trial.state is TrialState.LEFT_OVER:
        return f"{len(trial.left)} test VMs left over" if len(trial.left) != 1 else "1 test VM left over"
    if trial.ends_at is None:
        return f"{trial.state}, {clock}"
    whole = _hours((trial.ends_at - trial.since).total_seconds())
    return f"{clock} of {whole}" + ("" if trial.state is TrialState.RUNNING else f", {trial.state}")


def stray_says(name: str) -> str:
    """The alarm about a test VM that no list has."""
    return f"test VM {name} is in no list of test VMs; drdeck test leftovers says what can be done"


def tool_pause_asks(domain: str, where: str) -> str:
    """The question before the first clone. `where`: what has it asked, "settings" or "scenario"."""
    return (
        f'Is the retention of the replication tool paused for {domain}? (tool = "manual" in the {where}.)'
        " The test VMs stand on the replicas' snapshots, which it removes. Pause it, then answer confirm,"
        " which is kept with your name: End Test asks for it to be resumed."
    )


def tool_resume_asks(domain: str, by: str, at: datetime) -> str:
    """The question once no test VM is left. `by`: whose word it is paused by since `at`."""
    return (
        f"No test VM of {domain} is left. Resume the replication tool's retention, which is paused by the"
        f" word of {by or 'an operator'} since {show_spaced(at)}, then answer confirm."
    )


def tool_owed_says(by: str, at: datetime) -> str:
    """The obligation in a sentence."""
    return (
        "the replication tool's retention is paused for a test, by the word of"
        f" {by or 'an operator'} at {show_spaced(at)}: End Test asks for it to be resumed"
    )


def _hours(seconds: float) -> str:
    """A duration as "4h", "1h30", "45m"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes}m"
    return f"{hours}h{minutes:02}" if minutes else f"{hours}h"
