"""Confirmation of actions: its tier, the sentences that a person should read before, and what refuses one."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from datetime import datetime

from drdeck.model.domains import Domain, FailoverType, Health, ProtectedSite
from drdeck.model.frozen import Frozen
from drdeck.model.life.life_words import life_consent, life_consequences
from drdeck.model.life.trial_words import trial_consent, trial_consequences
from drdeck.model.points_budget import points_late
from drdeck.model.text import some
from drdeck.model.times import show_age, show_duration, show_seconds, show_spaced

from .action_rules import unusable_vms
from .action_table import BY_NAME
from .request import Request

UNUSED_SAYS = "Left without a rollback, it resets all PITR data."
"""Said before the session of a failover, not before one by hand, whose end resets nothing."""
SUSPENDED_SAYS = (
    "Protection is suspended while it is active: roll the VMs back, test them, and leave it as soon as you"
    " can."
)
SESSION_SAYS = f"A PITR session will start once the VMs are recovered. {SUSPENDED_SAYS} {UNUSED_SAYS}"
_NAMED = 5
PART_SAYS = (
    "Only these VMs can be rolled back; yet no restore point is made of the others either before the session"
    " is exited, since a point is of all VMs of the domain."
)
ROLLBACK_SAYS = "Only disks are rolled back. Check VM settings (CPU, NICs, disks added) by hand."
REVERT_SAYS = (
    "Disks go back, and the VMs' configuration with them (CPU, memory, disks, cards), as it was in the"
    " snapshot. Networks are mapped again before a VM starts; what else went back is listed in the result:"
    " redo configuration changes made after the instant by hand."
)


def rollback_says(domain: Domain) -> str:
    """A sentence about what a rollback takes back at the domain's site."""
    return REVERT_SAYS if domain.configuration_goes_back else ROLLBACK_SAYS


def exits_without_rollback(domain: Domain) -> bool:
    return domain.session is not None and domain.session.rollbacks == 0


def tier_of(request: Request, domain: Domain, abnormal: str | None = None) -> int:
    """The tier of a request: 3 for Force, for an exit without a rollback, and for a rollback to an instant in
    abnormal writing (`abnormal` says so), else the action's own."""
    if request.action == "pitr_run" and abnormal is not None:
        return 3
    if request.action == "cfo_complete" and request.type is FailoverType.FORCE:
        return 3
    if request.action == "pitr_exit" and exits_without_rollback(domain):
        return 3
    if request.action == "take_over" and domain.holder is not None:
        return 3
    if request.action == "domain_release" and domain.way_back.owned_there is not True:
        return 3
    if request.action == "test_start" and trial_consent(domain):
        return 3
    return BY_NAME[request.action].tier


def unconfirmed(request: Request, domain: Domain, abnormal: str | None = None) -> str | None:
    """The reason why a tier-3 request is not confirmed, or None."""
    if tier_of(request, domain, abnormal) < 3 or request.confirm == domain.name:
        return None
    if request.action == "pitr_run":
        typed = "it was not given" if request.confirm is None else f"{request.confirm!r} is not it"
        return f'{abnormal}; this must be confirmed with the name of the domain, "{domain.name}" ({typed})'
    because = life_consent(request.action, domain)
    if request.action == "test_start":
        because = trial_consent(domain)
    if because:
        typed = "it was not given" if request.confirm is None else f"{request.confirm!r} is not it"
        return f'{because}; this must be confirmed with the name of the domain, "{domain.name}" ({typed})'
    typed = "the domain's name was not given" if request.confirm is None else f"{request.confirm!r} is not it"
    if request.action == "take_over":
        why = f"the domain is driven by {domain.holder}, who may be at work"
        return f'{why}; this must be confirmed with the name of the domain, "{domain.name}" ({typed})'
    if request.action == "record_accept":
        return (
            "what the removed record said is given up; this must be confirmed with the name of the domain,"
            f' "{domain.name}" ({typed})'
        )
    if request.action == "record_restore":
        return (
            "what was done to the domain since its record was removed is not in it; this must be confirmed"
            f' with the name of the domain, "{domain.name}" ({typed})'
        )
    why = (
        "Force Failover takes the ownership without asking the protected site"
        if request.action == "cfo_complete"
        else "leaving the PITR session without a rollback"
        + (" resets all PITR data" if domain.session and domain.session.after_failover else "")
    )
    if request.confirm is None:
        typed = "the domain's name was not given"
    else:
        typed = f"{request.confirm!r} is not its name"
    return f'{why}; this must be confirmed with the name of the domain, "{domain.name}" ({typed})'


POWER_OFF = "power-off"
NAMING_ANSWERS = ("skip", POWER_OFF)
"""Answers that are about the VMs of the question."""


def unconfirmed_answer(choice: str, vms: Mapping[str, str], domain: str, confirm: str | None) -> str | None:
    """The reason why an answer of tier 3 is not confirmed, or None. `vms`: id -> name, of the question."""
    if choice != POWER_OFF or confirm == domain:
        return None
    typed = "the domain's name was not given" if confirm is None else f"{confirm!r} is not its name"
    return (
        f"{some(sorted(vms.values()), _NAMED)} would be powered off at the protected site, and what their"
        " guests have not written is lost; this must be confirmed with the name of the domain,"
        f' "{domain}" ({typed})'
    )


def snapshots_that_go(domain: Domain) -> list[str]:
    """The snapshots of others that an exit removes, each with its VM."""
    return [f'"{name}" of {vm.name}' for vm in domain.vms for name in vm.exit_removes]


def _of_others(domain: Domain, vms: tuple[str, ...], fate: str) -> list[str]:
    """A sentence on snapshots that others made in the session, of these VMs or all; none without such."""
    staying = [
        f'"{name}" of {vm.name}'
        for vm in domain.vms
        if not vms or vm.name in vms
        for name in vm.foreign_snapshots
        if name not in vm.exit_removes
    ]
    if not staying:
        return []
    if len(staying) == 1:
        fate = fate.replace("stay", "stays").replace("their owners remove them", "its owner removes it")
        fate = fate.replace("on them", "on it")
    return [
        f"{_counted(len(staying), 'snapshot')} by others from this session {fate}: {some(staying, _NAMED)}."
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def dangers(
    request: Request, domain: Domain, now: datetime, protected: ProtectedSite, abnormal: str | None = None
) -> list[str]:
    """Sentences to be seen before all others: sick data, VMs that are shut down, data that is lost."""
    if request.action == "pitr_run":
        return [abnormal] if abnormal is not None else []
    if request.action == "pitr_exit":
        failing = [vm.name for vm in domain.vms if vm.health is Health.FAILED]
        return [f"{domain.checked.says} now: {some(failing)}"] if failing else []
    if request.action == "cfo_complete" and request.type is FailoverType.PLANNED:
        return [shut_down_says(protected)]
    if request.action == "cfo_complete" and request.type is FailoverType.FORCE:
        return [loss_says(domain, now)]
    return []


def shut_down_says(protected: ProtectedSite) -> str:
    """The VMs that a planned failover shuts down, and where."""
    where = protected.address or "the protected site"
    if protected.running is None:
        return f"Its VMs at {where} are SHUT DOWN first, then they start here."
    if protected.running == 0:
        return f"None of its VMs runs at {where}: nothing has to be shut down there."
    return f"{protected.running} VMs at {where} are SHUT DOWN first, then they start here."


def loss_says(domain: Domain, now: datetime) -> str:
    """The data that a Force Failover loses, as far as it is known."""
    rpo = domain.rpo_s(now)
    if domain.consistent_at is None or rpo is None:
        return "Expected data loss: unknown, since it is not known how current the data here is."
    if rpo < 1:
        return "Expected data loss: none, the data here is current."
    since = show_seconds(domain.consistent_at)
    return f"Expected data loss: what was written since {since} ({show_age(rpo)})."


def _left_out(request: Request, domain: Domain) -> list[str]:
    """Sentences on the VMs that a completion leaves out; none where it takes all."""
    words = []
    unusable = unusable_vms(request, domain)
    if unusable:
        named = some([f"{vm.name} ({vm.unusable})" for vm in unusable], _NAMED)
        words.append(
            f"Left out, since this site cannot use {_them(unusable)} now: {named}. Each joins when"
            " it comes back: it is started then, and is part of the session from its entry point on."
        )
    if request.without:
        source = (
            ""
            if request.type is FailoverType.FORCE
            else " What runs at the protected site keeps running there, apart from the VMs that move."
        )
        words.append(
            f"Left out on your word: {some(list(request.without), _NAMED)}.{source} No failover, session or"
            f" rollback of this site touches {_them(request.without)}, and nobody but a person brings"
            f" {_them(request.without)} over later."
        )
    return words


def _them(things: Sized) -> str:
    return "it" if len(things) == 1 else "them"


def consequences(request: Request, domain: Domain, now: datetime) -> list[str]:
    """Sentences that a person should read before confirming, plain and in our own words."""
    words: list[str] = []
    if request.action == "take_over":
        if domain.holder is not None:
            words.append(
                f"{domain.holder} is at work on this domain. Taking over stops that controller; what was"
                " started there continues from here."
            )
        elif domain.left_by is not None:
            words.append(
                f"It was driven by {domain.left_by}, who has fallen silent. What was started there continues"
                " from here."
            )
        else:
            words.append("What was started there continues from here.")
    if request.action == "record_accept":
        words.append(
            "What drdeck finds in the domain's folder now is what counts: without a record the domain is"
            " Imported, whatever runs here. What the removed record said of failovers, of a session and of"
            " periods that no restore may end in is given up; open operations need"
            " an answer, and are aborted."
        )
    if request.action == "record_restore":
        words.append(
            "The record as this controller saw it last is written into the domain's folder again, and what"
            " was under way continues by it. Whatever was done to its VMs since then is not in it: look at"
            " them first."
        )
    if request.action == "cfo_start" or request.start_first:
        words += [f"{alarm.text}." for alarm in domain.alarms if alarm.before_failover]
    if request.action == "cfo_complete":
        if request.run_pitr:
            words.append(SESSION_SAYS)
        late = points_late(domain.vms_total, domain.pitr.interval_s) if domain.configuration_goes_back else ""
        if late and domain.pitr.enabled:
            words.append(f"Afterwards {late}.")
        if request.start_first:
            words.append(
                "Continuous failover is started first; once every VM is recoverable it is completed without a"
                " further question."
            )
        words.append("Continuous rehydration ends here, and this site takes the domain over.")
        words += _left_out(request, domain)
    if request.action == "cfo_remap":
        pairs = [f"{a} to {b}" for a, b in request.networks.items()]
        words.append(f"Network cards are moved: {some(pairs, _NAMED)}; those of running VMs too.")
    if request.action == "pitr_start":
        words.append(SUSPENDED_SAYS)
        if 0 < len(set(request.vms)) < domain.vms_total:
            words.append(PART_SAYS)
    if request.action == "pitr_entry":
        lacking = [vm.name for vm in domain.vms if vm.lacks_entry]
        words.append(
            f"A snapshot of now is made of {some(lacking, _NAMED)}. From then on rollbacks of the session"
            f" take {_them(lacking)} along, and that state can be had back until the session is exited."
        )
    if request.action == "pitr_run":
        if request.to is not None:
            aside = show_age(max(0.0, (now - request.to).total_seconds()))
            words.append(
                f"{aside} of data is set aside. Another point, also a newer one, can be picked until the"
                " session is exited."
            )
        words.append(rollback_says(domain))
        words += _of_others(domain, request.vms, "stay, and the disks do not stand on them any more")
    if request.action == "pitr_exit" and domain.session is not None:
        session = domain.session
        if session.rolled_back_to is not None:
            words.append(
                f"The VMs stay as they are now: {show_spaced(session.rolled_back_to)}, and what was written"
                " since the rollback. Points between that instant and the beginning of the session are"
                " deleted."
            )
        elif session.after_failover:
            lost = "" if domain.oldest_point is None else f", from {show_spaced(domain.oldest_point)} on"
            words.append(
                f"No rollback was made: all PITR data is reset ({domain.points} points{lost})."
                " No instant of the PITR window can be reached again. To keep them, roll back to the entry"
                " point first: only what was written in this session is given up then."
            )
        else:
            words.append("No rollback was made; the VMs stay as they are now.")
        removed = snapshots_that_go(domain)
        if removed:
            words.append(
                f"{_counted(len(removed), 'snapshot')} that drdeck did not make"
                f" {'go' if len(removed) > 1 else 'goes'} with it, as prune_also allows:"
                f" {some(removed, _NAMED)}."
            )
        words += _of_others(domain, (), "stay; their owners remove them")
        if session.started_at is not None:
            length = show_duration((now - session.started_at).total_seconds())
            words.append(f"The {length} of this session cannot be chosen later.")
    words += life_consequences(request.action, domain, now)
    return [*words, *trial_consequences(request.action, request, domain, now)]


class Preview(Frozen, frozen=True, kw_only=True):
    """The effect of a request, as things are now. Send `facts` back as `Request.preview`.

    `refusal`: the rule that forbids it. `says`: consequences, plain sentences. `not_checked`: what
    drdeck cannot know. `warns`: what may disturb the PITR session that it leads to. `against`: evidence
    against a Force Failover, each a reason to ask again; `against_names`: what `even_though` calls them.
    `dangers`: to be seen before all others. `abnormal`: a rollback's instant lies in abnormal writing.
    """

    request: Request
    tier: int
    refusal: str | None = None
    facts: dict[str, str] = {}
    says: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    against_names: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()
    abnormal: str | None = None
    protected: ProtectedSite = ProtectedSite()
    vms: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    """what speaks against starting the VMs, as the recovery site shows it"""
    left_out: tuple[str, ...] = ()
    """VMs that a completion leaves out, each with the reason"""


class NotAccepted(Exception):
    """A request that was refused; `code` as in protocol.Refusal, the text is one sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Rehearsal(Frozen, frozen=True, kw_only=True):
    """An act looked at without being begun.

    `accepted`: the request with all that it leaves open, None where it would be refused; `refusal`: by
    what, and `code` of what kind, as in protocol.Refusal. Consent is not missed: `preview.tier` tells it."""

    preview: Preview
    accepted: Request | None = None
    refusal: str | None = None
    code: str = ""
