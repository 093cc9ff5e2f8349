"""Findings of the doctor: the appliance, its certificate, the session, each domain, the VMs in vCenter."""

from __future__ import annotations

from datetime import datetime

from drdeck.config.settings import JetStreamSettings
from drdeck.model.alarms import Finding
from drdeck.sites.vsphere.doctor import certificate_findings
from drdeck.sites.vsphere.vcenter.connection import endpoint_of, in_thread
from drdeck.sites.vsphere.vcenter.server_certificate import presented

from .appliance import Appliance, DomainUnknown, SessionRefused
from .domain_poll import DomainPoll
from .vm_guard import VmGuard

LOOK_S = 5.0


async def findings(
    settings: JetStreamSettings,
    appliance: Appliance,
    polls: list[DomainPoll],
    guard: VmGuard,
    now: datetime,
) -> list[Finding]:
    """All of it; `polls` were asked a moment ago."""
    return [
        *await certificate_findings.look_at("appliance certificate", appliance.endpoint, now),
        *await certificate_findings.look_at("vCenter certificate", endpoint_of(settings.login), now),
        await _reachable(appliance, polls),
        _session(appliance, polls),
        *(_domain(poll) for poll in polls),
        *_guarded(polls, guard, settings.login.root),
    ]


async def _reachable(appliance: Appliance, polls: list[DomainPoll]) -> Finding:
    answered = [
        p for p in polls if p.failure is None or isinstance(p.failure, SessionRefused | DomainUnknown)
    ]
    if answered:
        return Finding.ok("appliance", f"{appliance.server} answers")
    certificate = await in_thread(lambda: presented(*appliance.endpoint.place, LOOK_S))
    why = str(polls[0].failure)
    there = "" if certificate is None else f"{appliance.server} is there; yet "
    return Finding.fail("appliance", there + why)


def _session(appliance: Appliance, polls: list[DomainPoll]) -> Finding:
    refused = next((p.failure for p in polls if isinstance(p.failure, SessionRefused)), None)
    if refused is not None:
        remedy = "register the appliance with this vCenter, or set the vCenter that it is registered with"
        return Finding.fail("session", str(refused), remedy)
    if any(p.failure is None or isinstance(p.failure, DomainUnknown) for p in polls):
        return Finding.ok("session", f"{appliance.server} accepts the vCenter session")
    return Finding.warn("session", "not known: the appliance does not answer as it should")


def _domain(poll: DomainPoll) -> Finding:
    subject = f"domain {poll.ident}"
    if isinstance(poll.failure, DomainUnknown):
        remedy = "take the id from the appliance's own screen, and correct domains in the settings"
        return Finding.fail(subject, "the appliance knows no such domain", remedy)
    if poll.failure is not None:
        return Finding.fail(subject, str(poll.failure))
    status = poll.status
    assert status is not None
    if status.oddities:
        text = f'known, "{poll.name}"; the answer is odd: {"; ".join(status.oddities.values())}'
        return Finding.warn(subject, text, "shown is what came, nothing is computed")
    return Finding.ok(subject, f'known, "{poll.name}", {len(status.vms)} VMs')


def _guarded(polls: list[DomainPoll], guard: VmGuard, root: str) -> list[Finding]:
    if guard.blind:
        text = f"changes by others to the VMs are not seen: {guard.blind}"
        return [Finding.warn("guard", text, "see to the vCenter of the settings")]
    members = sum(len(poll.guarded.uuids) for poll in polls)
    watched = sum(len(guard.facts(poll.guarded)) for poll in polls)
    if watched < members:
        text = f"{watched} of {members} VMs are found by uuid under {root}"
        remedy = "correct root of the vCenter in the settings, if they are elsewhere"
        return [Finding.warn("guard", text, remedy)]
    return [Finding.ok("guard", f"{watched} VMs are found by uuid under {root}")]
