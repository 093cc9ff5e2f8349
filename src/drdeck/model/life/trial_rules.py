"""Rules of a Test Failover: the sentence that says why it cannot be asked for now, or None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from drdeck.model.domains import Domain, Mode
from drdeck.model.facts.trial_facts import RESULTS, StrayTrialVm, TrialState
from drdeck.model.pitr import excluded_by
from drdeck.model.times import show_spaced

OPEN_IN = (Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED)
MAX_NOTE = 120
"""Characters of a note: a custom attribute holds it beside the rest."""
SHORTEST_S, LONGEST_S = 60.0, 14 * 86_400.0


class TrialWish(Protocol):
    """The fields of a request that a test is asked for with."""

    @property
    def to(self) -> datetime | None: ...
    @property
    def networks(self) -> Mapping[str, str]: ...
    @property
    def vms(self) -> tuple[str, ...]: ...
    @property
    def ends_after_s(self) -> float | None: ...
    @property
    def test_vms(self) -> tuple[str, ...]: ...
    @property
    def result(self) -> str: ...
    @property
    def note(self) -> str: ...


def start_listed(domain: Domain) -> bool:
    return domain.trial_offer is not None and domain.mode in OPEN_IN and not _goes_on(domain)


def end_listed(domain: Domain) -> bool:
    return domain.trial is not None


def _goes_on(domain: Domain) -> bool:
    return domain.trial is not None and domain.trial.state is not TrialState.LEFT_OVER


def start_closed(domain: Domain, wish: TrialWish, now: datetime) -> str | None:
    """Test Failover: before ownership, one at a time."""
    name, offer = domain.name, domain.trial_offer
    if offer is None:
        return f'this site does not support a test of "{name}": nothing here can clone its VMs'
    if domain.session is not None:
        return f'"{name}" has a PITR session; a test stands on restore points that a session may change'
    if _goes_on(domain):
        return f'"{name}" is being tested already; end that test first'
    if domain.mode not in OPEN_IN:
        return f'a test is for a domain that is not owned here; "{name}" is "{domain.mode_label}"'
    if offer.closed:
        return offer.closed
    present = {vm.name for vm in domain.vms}
    unknown = next((vm for vm in wish.vms if vm not in present), None)
    if unknown is not None:
        return f'"{name}" has no VM named "{unknown}"'
    if wish.ends_after_s is not None and not SHORTEST_S <= wish.ends_after_s <= LONGEST_S:
        return "a test may last from one minute to 14 days"
    return _point_closed(domain, wish.to, now) or _networks_closed(domain, wish.networks)


def _point_closed(domain: Domain, to: datetime | None, now: datetime) -> str | None:
    if to is None:
        return None
    if to > now:
        return f"{show_spaced(to)} is in the future"
    period = excluded_by(to, domain.excluded)
    if period is not None:
        return f"{show_spaced(to)} lies in a period that cannot be reached any more"
    if domain.reset_at is not None and to <= domain.reset_at:
        return f"all points up to {show_spaced(domain.reset_at)} were reset"
    return None


def _networks_closed(domain: Domain, networks: Mapping[str, str]) -> str | None:
    """Each network of the VMs needs an isolated one, and no other is taken."""
    offer = domain.trial_offer
    assert offer is not None
    for source, to in networks.items():
        if to not in offer.networks:
            offered = ", ".join(offer.networks) or "none"
            return f'the network "{to}" is not an isolated one of the settings; isolated: {offered}'
        if source != "*" and source not in domain.networks.protected:
            return f'no VM of "{domain.name}" is on a network "{source}"'
    lacking = [n for n in domain.networks.protected if n not in trial_networks(domain, networks)]
    if lacking:
        return (
            f'no isolated network is set for "{lacking[0]}"; name one with --network "{lacking[0]}=NETWORK",'
            " or set network in [sites.NAME.test]"
        )
    return None


def trial_networks(domain: Domain, chosen_networks: Mapping[str, str]) -> dict[str, str]:
    """The isolated network of each protected one, by name: as chosen, else as the site has it."""
    offer = domain.trial_offer
    mapping = dict(offer.mapping) if offer is not None else {}
    others = chosen_networks.get("*")
    if others is not None:
        mapping |= dict.fromkeys(domain.networks.protected, others)
    return mapping | {a: b for a, b in chosen_networks.items() if a != "*"}


def end_closed(domain: Domain, wish: TrialWish) -> str | None:
    """End Test: while anything of a test is there."""
    if domain.trial is None:
        return f'"{domain.name}" is not being tested'
    if wish.result and wish.result not in RESULTS:
        return f"the result of a test is passed or failed, not {wish.result!r}"
    if len(wish.note) > MAX_NOTE:
        return f"the note has {len(wish.note)} characters; {MAX_NOTE} fit"
    return None


def detach_listed(domain: Domain) -> bool:
    return domain.trial is not None and bool(domain.trial.foreign)


def detach_closed(domain: Domain) -> str | None:
    """Detach Foreign Disks: while a test VM is left over to which a disk of another VM is attached."""
    if domain.trial is not None and domain.trial.state is not TrialState.LEFT_OVER:
        return f'the test of "{domain.name}" is under way; end it first'
    if not detach_listed(domain):
        return f'no test VM that is left over of "{domain.name}" has a disk of another VM'
    return None


def strays_meant(domain: Domain, wish: TrialWish) -> tuple[StrayTrialVm, ...]:
    """The VMs that are to be adopted: those that are named, by name or id, or all."""
    if not wish.test_vms:
        return domain.strays
    return tuple(vm for vm in domain.strays if vm.name in wish.test_vms or vm.id in wish.test_vms)


def adopt_closed(domain: Domain, wish: TrialWish) -> str | None:
    """Adopt Test VMs: what has the mark of a test of the domain, and is in no list."""
    meant = strays_meant(domain, wish)
    unknown = [n for n in wish.test_vms if not any(n in (vm.name, vm.id) for vm in meant)]
    if unknown:
        return (
            f'no VM "{unknown[0]}" in the test folder has the mark of a test of "{domain.name}" without being'
            " in its list; `drdeck test leftovers` lists all"
        )
    if not meant:
        return f'every test VM of "{domain.name}" is in its list'
    return None
