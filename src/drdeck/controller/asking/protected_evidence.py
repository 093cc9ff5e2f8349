"""Evidence from the protected site: for or against a failover type; and against an undo."""

from __future__ import annotations

from typing import NamedTuple

from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, ProtectedSite
from drdeck.model.text import some


def type_closed(request: Request, protected: ProtectedSite) -> str | None:
    """The workflow's rules on failover types against what the protected site shows."""
    where = f"the protected site {protected.address}".rstrip()
    if request.type is FailoverType.REGULAR:
        if protected.running:
            return (
                f"{protected.running} VMs still run at {where}; a regular failover would make them run twice:"
                " shut them down, or choose a planned failover"
            )
        if protected.state == "unknown" and protected.detail:
            return (
                f"nobody can tell whether the protected VMs run: {protected.detail}; see to that,"
                " or choose a Force Failover"
            )
        if protected.state == "lost":
            return (
                f"{where} does not answer, so nobody can tell whether its VMs run"
                f" ({protected.detail or 'no answer'}); a Force Failover is meant for that"
            )
    if request.type is FailoverType.PLANNED:
        if protected.state == "unknown" and protected.detail:
            return f"a planned failover shuts the protected VMs down, but {protected.detail}"
        if protected.state == "unknown":
            return (
                "a planned failover shuts the protected VMs down, but no protected vCenter is in the settings"
            )
        if protected.state == "lost":
            return f"{where} does not answer ({protected.detail or 'no answer'}); a planned failover needs it"
    return None


EVIDENCE = ("answers", "vms-running")
"""Names of all the facts that there can be against a Force Failover."""
_NAMED = 5


class Evidence(NamedTuple):
    """A fact against a Force Failover, or an undo; `name` is how `--even-though` calls it."""

    name: str
    text: str


def evidence_against(request: Request, protected: ProtectedSite, domain: Domain) -> tuple[Evidence, ...]:
    """Facts that speak against a Force Failover, or against an undo."""
    if request.action == "failover_undo":
        return _against_undo(protected, domain)
    if request.type is not FailoverType.FORCE or protected.state != "reachable":
        return ()
    site = f"The protected site {protected.address}".rstrip()
    facts = [Evidence("answers", f"{site} still answers.")]
    if protected.running:
        facts.append(
            Evidence(
                "vms-running",
                f"{protected.running} of {protected.total} VMs run there: after a Force Failover both"
                " copies run at once (split brain) until somebody shuts those down. A Planned Failover shuts"
                " them down first.",
            )
        )
    return tuple(facts)


def _against_undo(protected: ProtectedSite, domain: Domain) -> tuple[Evidence, ...]:
    """Nobody can tell whether there is anything to go back to, or others work on the VMs here."""
    facts, site = list[Evidence](), f"the protected site {protected.address}".rstrip()
    if protected.state == "lost":
        text = f"Nobody can tell whether its VMs are there: {site} does not answer."
        facts.append(Evidence("no-answer", text))
    if protected.state == "reachable" and protected.total == 0:
        facts.append(Evidence("no-vms", f"None of its VMs is at {site}: there is nothing to go back to."))
    others, texts = domain.undo.others if domain.undo is not None else (), []
    if others:
        texts.append(f"Others made snapshots since the failover, which stay: {some(list(others), _NAMED)}.")
    if protected.changed_here:
        changed = some(list(protected.changed_here), _NAMED)
        texts.append(f"The VMs were changed since the failover, which is taken back: {changed}.")
    if texts:
        facts.append(Evidence("others-at-work", " ".join(texts)))
    return tuple(facts)


def not_known_of(request: Request, protected: ProtectedSite, domain: Domain) -> str | None:
    """The sentence that refuses a Force, or an undo, whose operator did not name all that is against it."""
    facts = evidence_against(request, protected, domain)
    missing = [fact for fact in facts if fact.name not in request.even_though]
    if not missing:
        return None
    names = ",".join(fact.name for fact in facts)
    why = "Force is not needed as things are" if request.action == "cfo_complete" else "Look at this first"
    return (
        f"{why}: {' '.join(fact.text for fact in missing)} If it must be, say so with --even-though {names}"
    )


def describe(protected: ProtectedSite) -> str:
    """The protected site in a few words."""
    if protected.state == "unknown":
        return f"cannot be told ({protected.detail})" if protected.detail else "not configured"
    if protected.state == "lost":
        return "does not answer" + (f" ({protected.detail})" if protected.detail else "")
    if protected.running is None:
        return "answers"
    return f"answers, {protected.running} of {protected.total} VMs run there"
