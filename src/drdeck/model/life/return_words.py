"""Sentences that a person should read before confirming a domain's return: restore, release, failback."""

from __future__ import annotations

from drdeck.model.domains import Domain


def return_consequences(action: str, domain: Domain) -> list[str]:
    """The sentences of an action of this room; none for others."""
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


def return_consent(action: str) -> str:
    """The reason why an action of this room wants the domain's name typed; empty for others."""
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
