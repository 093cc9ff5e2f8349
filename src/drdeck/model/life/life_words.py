"""Sentences that a person should read before confirming something on a domain's way back."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.domains import Domain, Mode
from drdeck.model.times import show_duration, show_seconds


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
            return _return_consequences(action, domain)


def life_consent(action: str, domain: Domain) -> str:
    """The reason why an action of this room wants the domain's name typed; empty for others."""
    if action == "failover_undo":
        return "everything that was written here since the failover is given up"
    return _return_consent(action)


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


def _return_consequences(action: str, domain: Domain) -> list[str]:
    """The sentences of the return: restore, release, failback."""
    match action:
        case "domain_restore":
            to = domain.way_back.replicates_to
            where = f"It counts as protected once its points at {to} are seen." if to else ""
            return [
                "This site becomes the domain's primary site; its VMs and networks stay as they are.",
                where
                or "Nothing replicates it from here as far as drdeck knows (replicates_to in the settings):"
                " it reads Running here, not protected.",
            ]
        case "domain_release":
            return _release(domain)
        case "release_cancel":
            return ["The domain stays here as it was before its release, Running in Failover."]
        case "domain_failback":
            return [
                "What was written here is brought back to the protected site while the VMs run; then they are"
                " shut down here, the rest is brought back, and the protected site owns and starts them."
            ]
        case "cfo_resume":
            return [
                "What was written at the protected site since the failback is brought here; what is here"
                " already is not brought again."
            ]
    return []


def _return_consent(action: str) -> str:
    """The same of the return."""
    if action == "domain_release":
        return "no record at the other side says that it owns the domain: it is on your word that it does"
    return ""


def _release(domain: Domain) -> list[str]:
    owner = (
        "The record at the other side says that it owns the domain."
        if domain.way_back.owned_there
        else "No record at the other side says that it owns the domain: it is on your word that it does."
    )
    return [
        owner,
        "The domain reads Waits for replicas until each VM here has a restore point that was not there"
        " before; then drdeck's own points are removed, and it is Imported again.",
        "Excluded periods are kept, and its PITR window begins anew.",
    ]
