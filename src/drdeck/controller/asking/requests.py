"""Checks of a request before it is journaled: names, rules, consent, and that nothing changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from drdeck.controller.journal.operations import Operation
from drdeck.model.actions.action_rules import unusable_vms
from drdeck.model.actions.action_table import BY_NAME, EVEN_WHILE_BUSY, refusal
from drdeck.model.actions.confirming import (
    NotAccepted,
    Preview,
    consequences,
    dangers,
    snapshots_that_go,
    tier_of,
    unconfirmed,
)
from drdeck.model.actions.request import Request
from drdeck.model.domains import MODE_LABELS, Domain, ProtectedSite
from drdeck.model.guard import Hazards
from drdeck.model.life.trial_rules import trial_networks
from drdeck.model.life.trial_words import trial_not_checked
from drdeck.model.pitr import Points, abnormal_says, after_abnormal_says
from drdeck.model.text import some, spelled_as
from drdeck.model.times import show, show_spaced
from drdeck.model.words.nearest_name import did_you_mean

from .network_choice import network_mapping, network_slip, unmapped_says
from .protected_evidence import describe, evidence_against, not_known_of, type_closed

NO_HAZARDS = Hazards()
NOT_CHECKED = ("whether users can reach the recovery network",)


ASKS_PROTECTED = ("cfo_complete", "failover_undo", "domain_release", "domain_failback")
"""Actions before which the protected site is looked at."""


def as_named(request: Request, domain: Domain) -> Request:
    """The request with the names of the site, where they were typed in another form of the same letters."""
    vms, networks = [vm.name for vm in domain.vms], domain.networks
    confirm = request.confirm
    return msgspec.structs.replace(
        request,
        domain=domain.name,
        vms=tuple(spelled_as(name, vms) for name in request.vms),
        without=tuple(spelled_as(name, vms) for name in request.without),
        networks={
            spelled_as(a, networks.protected): spelled_as(b, networks.recovery)
            for a, b in request.networks.items()
        },
        confirm=None if confirm is None else spelled_as(confirm, [domain.name]),
    )


def check_names(request: Request, domain: Domain) -> None:
    """Acts that there are not, and VMs and networks that the domain does not have, are a slip of the pen.

    Raises NotAccepted("usage").
    """
    action = BY_NAME.get(request.action)
    if action is None or not action.menu or action.reads:
        raise NotAccepted("usage", f"{request.action!r} is not something that can be asked for")
    named = (*request.vms, *request.without)
    if len(set(named)) < len(named):
        twice = next(name for name, times in Counter(named).items() if times > 1)
        raise NotAccepted("usage", f'the VM "{twice}" is named twice')
    present = {vm.name for vm in domain.vms}
    for name in named:
        if name not in present:
            alike = sorted(vm for vm in present if vm.rpartition("/")[2] == name)
            if len(alike) > 1:
                raise NotAccepted(
                    "usage",
                    f'{len(alike)} VMs of "{domain.name}" are called "{name}": name one by its path,'
                    f" {' or '.join(alike)}",
                )
            meant = did_you_mean(name, sorted(present))
            raise NotAccepted("usage", f'"{domain.name}" has no VM named "{name}"; {meant}')
    if action.name == "test_start":
        return  # its networks are others, for which a rule has the words
    slip = network_slip(request.networks, domain)
    if slip is not None:
        raise NotAccepted("usage", slip)


def with_networks(request: Request, domain: Domain) -> Request:
    """The request with a recovery network for every protected one. Raises NotAccepted("rule") for those that
    are left without."""
    mapping = network_mapping(request.networks, domain.networks)
    lacking = unmapped_says(mapping, domain)
    if lacking is not None:
        raise NotAccepted("rule", lacking)
    return msgspec.structs.replace(request, networks=mapping)


_INSIDE = ("pitr_run", "pitr_exit", "pitr_entry", "cfo_remap")
"""What may be asked for while a completion is open."""


def conflict(request: Request, operations: Iterable[Operation]) -> str | None:
    """The reason why a request cannot start beside what is going on in its domain, or None.

    Rolling back and exiting are steps of a completion, so they may be asked while it is open.
    """
    for op in operations:
        if op.ended or op.domain != request.domain:
            continue
        if request.action in EVEN_WHILE_BUSY:
            continue
        if op.id in ended_by(request, (op,)):
            continue
        inside = op.action == "cfo_complete" and request.action in _INSIDE
        if not inside:
            return (
                f'operation {op.id} ({op.action}, requested by {op.actor}) is still open for "{op.domain}";'
                " wait for it or answer it"
            )
    return None


_GIVES_UP = {
    "cfo_cancel": ("cfo_start", "cfo_resume", "cfo_complete"),
    "release_cancel": ("domain_release",),
    "cfo_complete": ("cfo_start", "cfo_resume", "test_start", "test_end"),
    "test_end": ("test_start",),
}
"""action -> the operations of its domain that it gives up"""


def ended_by(request: Request, operations: Iterable[Operation]) -> list[str]:
    """Ids of the open operations that a request gives up.

    A completion takes over from the start: a Force need not wait for VMs that will never be recoverable.
    Where the completion itself is to start, a start of another's is waited for.
    """
    begun = set(_GIVES_UP.get(request.action, ()))
    if request.start_first:
        begun -= {"cfo_start", "cfo_resume"}
    return [op.id for op in operations if op.domain == request.domain and op.action in begun and not op.ended]


_PROTECTED_SITE, _ANSWERS = "protected site", "answers"
_SILENT = "the protected site has stopped answering"


def facts_of(request: Request, domain: Domain, protected: ProtectedSite) -> dict[str, str]:
    """Facts that a person saw when confirming; compared word by word when the request comes."""
    names = sorted(vm.name for vm in domain.vms)
    facts = {"mode": domain.mode_says or MODE_LABELS[domain.mode], "VMs": f"{len(names)}: {', '.join(names)}"}
    if request.action in ASKS_PROTECTED:
        facts[_PROTECTED_SITE] = describe(msgspec.structs.replace(protected, detail=""))
    if request.action in ("cfo_start", "cfo_complete"):
        facts["recovery networks"] = ", ".join(domain.networks.recovery)
    if request.action == "domain_release":
        owned = {None: "not known", True: "owns it", False: "does not own it"}
        facts["record at the other side"] = owned[domain.way_back.owned_there]
    out = sorted({*request.without, *(vm.name for vm in unusable_vms(request, domain))})
    if out:
        facts["left out"] = f"{len(out)}: {', '.join(out)}"
    if request.action in ("pitr_run", "pitr_exit"):
        session = domain.session
        facts["PITR session"] = session.id if session else "none"
        back = session.rolled_back_to if session else None
        facts["rolled back to"] = show(back) if back else "no instant"
    if request.action == "test_start":
        facts["isolated networks"] = ", ".join(domain.trial_offer.networks if domain.trial_offer else ())
    if request.action == "test_end" and domain.trial is not None:
        facts["test"] = domain.trial.operation
    if request.action == "test_detach" and domain.trial is not None:
        facts["disks of others"] = ", ".join(f"{file} at {vm}" for file, vm in domain.trial.foreign)
    removed = snapshots_that_go(domain) if request.action == "pitr_exit" else []
    if removed:
        facts["snapshots of others that go"] = ", ".join(removed)
    return facts


def as_looked_at(domain: Domain, protected: ProtectedSite) -> Domain:
    """The domain with the owner that the other side's record names now: a view of it may be older."""
    if protected.owned is None:
        return domain
    back = msgspec.structs.replace(domain.way_back, owned_there=protected.owned)
    return msgspec.structs.replace(domain, way_back=back)


def begins_session(request: Request) -> bool:
    """True if a PITR session comes of it."""
    return request.action == "pitr_start" or (request.action == "cfo_complete" and request.run_pitr)


def abnormal_of(request: Request, points: Points | None) -> str | None:
    """The warning of a rollback whose instant lies in abnormal writing, by the points that may be picked."""
    if request.action != "pitr_run" or request.to is None or points is None:
        return None
    return abnormal_says(points, request.to)


def before_every_point(request: Request, points: Points | None) -> str | None:
    """The reason why no VM can be tested as of an instant: no point is as old; None where one is."""
    if request.action != "test_start" or request.to is None or points is None:
        return None
    times = [point.time for point in points.points]
    if any(time <= request.to for time in times):
        return None
    oldest = f"; the oldest is of {show_spaced(min(times))}" if times else ""
    return f'there is no restore point of "{request.domain}" at or before {show_spaced(request.to)}{oldest}'


def closed_as_looked_at(request: Request, protected: ProtectedSite, points: Points | None) -> str | None:
    """The reason against a request in what was looked at for it: the protected site, or the points."""
    if request.action == "cfo_complete":
        return type_closed(request, protected)
    return before_every_point(request, points)


def preview(
    request: Request,
    domain: Domain,
    protected: ProtectedSite,
    now: datetime,
    read_only: bool,
    hazards: Hazards = NO_HAZARDS,
    obstacles: Hazards = NO_HAZARDS,
    points: Points | None = None,
) -> Preview:
    """Everything to show before a request is confirmed."""
    domain = as_looked_at(domain, protected)
    closed = refusal(request, domain, now, read_only) or closed_as_looked_at(request, protected, points)
    abnormal = abnormal_of(request, points)
    after = None
    if points is not None and request.to is not None and abnormal is None:
        after = after_abnormal_says(points, request.to)
    evidence = evidence_against(request, protected, domain)
    return Preview(
        request=request,
        tier=tier_of(request, domain, abnormal),
        refusal=closed,
        facts=facts_of(request, domain, protected),
        says=tuple(consequences(request, domain, now)),
        not_checked=(
            *(NOT_CHECKED if request.action == "cfo_complete" else ()),
            *trial_not_checked(request.action, domain),
            *obstacles.not_checked,
            *hazards.not_checked,
        ),
        obstacles=tuple(obstacle.text for obstacle in obstacles.warns),
        warns=(
            *(hazard.text for hazard in hazards.warns),
            *([after] if after else []),
            *_before_undo(request, protected),
        ),
        against=tuple(fact.text for fact in evidence),
        against_names=tuple(fact.name for fact in evidence),
        dangers=tuple(dangers(request, domain, now, protected, abnormal)),
        abnormal=abnormal,
        protected=protected,
        vms=tuple(vm.name for vm in domain.vms),
        left_out=(
            *(f"{vm.name} ({vm.unusable})" for vm in unusable_vms(request, domain)),
            *(f"{name} (your word)" for name in request.without),
        ),
    )


def _before_undo(request: Request, protected: ProtectedSite) -> tuple[str, ...]:
    """A warning where nobody can tell whether there is anything to go back to, or where it runs already."""
    if request.action != "failover_undo":
        return ()
    if protected.state == "unknown":
        return (f"Nobody can tell whether its VMs are there: the protected site {describe(protected)}.",)
    if protected.running:
        return (
            f"At the protected site {protected.running} of its {protected.total} VMs run already: both copies"
            " run until those here are off.",
        )
    return ()


def accept(
    request: Request,
    domain: Domain,
    protected: ProtectedSite,
    now: datetime,
    *,
    read_only: bool,
    operations: Iterable[Operation],
    points: Points | None = None,
) -> Request:
    """The request as it may be journaled. Raises NotAccepted for every reason against it."""
    domain = as_looked_at(domain, protected)
    check_names(request, domain)
    if request.action == "pitr_run" and request.to is None:
        raise NotAccepted("usage", "a rollback needs the instant to roll back to")
    if request.action == "cfo_complete" and request.type is None:
        raise NotAccepted("usage", "a completion needs a failover type: regular, planned or force")
    closed = refusal(request, domain, now, read_only) or conflict(request, operations)
    closed = closed or closed_as_looked_at(request, protected, points)
    if closed is not None:
        raise NotAccepted("rule", closed)
    if request.action in ("cfo_start", "cfo_complete"):
        request = with_networks(request, domain)
    if request.action == "test_start":
        request = msgspec.structs.replace(request, networks=trial_networks(domain, request.networks))
    left_out = tuple(vm.name for vm in unusable_vms(request, domain))
    request = msgspec.structs.replace(request, left_out=left_out)
    consent = unconfirmed(request, domain, abnormal_of(request, points))
    if consent is not None:
        raise NotAccepted("unconfirmed", consent)
    if request.preview is not None:
        differs = changes(request.preview, facts_of(request, domain, protected))
        if differs:
            raise NotAccepted("stale", f"things changed since they were shown: {'; '.join(differs)}")
    evidence = not_known_of(request, protected, domain)
    if evidence is not None:
        raise NotAccepted("unconfirmed", evidence)
    return request


LISTS = ("VMs", "recovery networks", "left out", "domains", "not possible", "protected VMs run")
"""Facts that are names, as "3: a, b, c" or "a, b"."""
MOST_NAMES = 5


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A sentence for each fact that differs; of a list of names only those that came or went."""
    changed = [_change(key, before.get(key, ""), now.get(key, "")) for key in sorted({*before, *now})]
    return [text for text in changed if text]


def _change(key: str, before: str, after: str) -> str:
    if key in LISTS:
        pairs = (_names(before) - _names(after), "gone"), (_names(after) - _names(before), "new")
        moved = "; ".join(f"{some(sorted(names), MOST_NAMES)} {word}" for names, word in pairs if names)
        return f"{key}: {moved}" if moved else ""
    if key == _PROTECTED_SITE and before.startswith(_ANSWERS) != after.startswith(_ANSWERS):
        again = f"the protected site answers again{after.removeprefix(_ANSWERS).replace(',', ':', 1)}"
        return again if after.startswith(_ANSWERS) else _SILENT
    was, now = (f'"{text}"' if text else "nothing" for text in (before, after))
    return f"{key}: {was} before, {now} now" if before != after else ""


def _names(text: str) -> set[str]:
    count, colon, names = text.partition(": ")
    return set(filter(None, (names if colon and count.isdecimal() else text).split(", ")))
