"""Sentences that a person should read before confirming something on a domain's way back."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.domains import Domain, Mode
from drdeck.model.times import show_duration, show_seconds

from .return_words import return_consent, return_consequences


def life_consequences(action: str, domain: Domain, now: datetime) -> list[str]:
    """The sentences of an action of this room; none for others."""
    match action:
        case "cfo_cancel":
            return _cancel(domain)
        case "failover_undo":
            return _undo(domain, now)
        case "failover_commit":
            return [
                "The failover stands: what it could be undone with is removed, and Undo Failover is not"
                " offered any more. The domain keeps running here."
            ]
        case _:
            return return_consequences(action, domain)


def life_consent(action: str, domain: Domain) -> str:
    """The reason why an action of this room wants the domain's name typed; empty for others."""
    if action == "failover_undo":
        return "everything that was written here since the failover is given up"
    return return_consent(action)


def _cancel(domain: Domain) -> list[str]:
    words = ["The domain is imported again; what was brought here of its data is dropped."]
    if domain.mode is Mode.COMPLETING:
        words.append(
            "The completion that is under way is given up. VMs that were shut down stay off at the protected"
            " site until somebody powers them on there."
        )
    return words


def _undo(domain: Domain, now: datetime) -> list[str]:
    words = []
    undo = domain.undo
    if undo is not None and undo.since is not None:
        length = show_duration(undo.loses_s(now) or 0.0)
        words.append(f"Everything written here since {show_seconds(undo.since)} ({length}) is given up.")
    return [
        *words,
        "The VMs are powered off here and go back to the state before their first power on; the domain is"
        " imported again, and no instant of the failover can be chosen later.",
        "The VMs at the protected site are powered on once those here are off and as before; let the"
        " replication tool continue where it was stopped."
        if undo is not None and undo.starts_there
        else "At the protected site nothing is started: power its VMs on there once this is over, and let the"
        " replication tool continue where it was stopped.",
    ]
