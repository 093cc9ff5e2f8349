"""Evidence from the protected site: for or against a failover type."""

from __future__ import annotations

from typing import NamedTuple

from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, ProtectedSite


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
"""Names of all the facts that there can be."""


class Evidence(NamedTuple):
    """A fact against a Force Failover; `name` is how `--even-though` calls it."""

    name: str
    text: str


def evidence_against(request: Request, protected: ProtectedSite) -> tuple[Evidence, ...]:
    """Facts that speak against a Force Failover."""
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


def against_force(request: Request, protected: ProtectedSite) -> tuple[str, ...]:
    """Evidence that a Force Failover is not needed, in sentences."""
    return tuple(fact.text for fact in evidence_against(request, protected))


def not_known_of(request: Request, protected: ProtectedSite) -> str | None:
    """The sentence that refuses a Force whose operator has not named all that speaks against it."""
    facts = evidence_against(request, protected)
    missing = [fact for fact in facts if fact.name not in request.even_though]
    if not missing:
        return None
    names = ",".join(fact.name for fact in facts)
    return (
        f"Force is not needed as things are: {' '.join(fact.text for fact in missing)}"
        f" If it must be, say so with --even-though {names}"
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
