"""Rules that close an action: each a sentence why it cannot be asked of a domain now, or None.

Source: the workflow of the product's document; the words are shown in dimmed menus and as refusals.
"""

from __future__ import annotations

from datetime import datetime

from drdeck.model.domains import Domain, FailoverType, Mode, Owner, SessionState, Vm
from drdeck.model.pitr import why_unreachable
from drdeck.model.text import some

from .request import Request


def _unknown_vms(domain: Domain, names: tuple[str, ...], allowed: tuple[str, ...] = ()) -> str | None:
    present = {vm.name for vm in domain.vms}
    for name in names:
        if name not in present:
            return f'"{domain.name}" has no VM named "{name}"'
        if allowed and name not in allowed:
            return f'the VM "{name}" is not in the PITR session of "{domain.name}"'
    return None


def domain_busy(domain: Domain) -> str | None:
    if domain.broken:
        return f'the record of "{domain.name}" at the site cannot be used: {domain.broken}'
    if domain.holder:
        return f'"{domain.name}" is driven by {domain.holder}'
    return None


def _session_only(domain: Domain, mode_text: str) -> str | None:
    if domain.session is None:
        return f'"{domain.name}" has no PITR session; it is "{domain.mode_label}"'
    if domain.session.state is not SessionState.ACTIVE:
        waits = {
            SessionState.WAITING: "is still starting",
            SessionState.ROLLING_BACK: "is rolling back now",
            SessionState.EXITING: "is being exited",
        }[domain.session.state]
        return f'the PITR session of "{domain.name}" {waits}; {mode_text} when that is over'
    return None


def driven_says(domain: Domain) -> str | None:
    """Words for another controller that drives a domain, or left something begun; None when neither is so."""
    if domain.holder is not None:
        return f"driven by {domain.holder}"
    if domain.left_by is not None:
        return f"nobody drives what was started here: {domain.left_by}, silent since; Take Over continues it"
    return None


def take_over_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if domain.broken:
        return f'the record of "{domain.name}" at the site cannot be used: {domain.broken}'
    if domain.holder is None and domain.left_by is None:
        return f'nobody else drives "{domain.name}"; there is nothing to take over'
    return None


def record_restore_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if not domain.record_removed:
        return f'nobody removed the record of "{domain.name}"; there is nothing to write back'
    return None


def record_accept_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if not domain.record_removed:
        return f'nobody removed the record of "{domain.name}"; there is no removal to accept'
    return None


def cfo_start_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if domain.mode is not Mode.IMPORTED:
        return f'continuous failover needs an imported domain; "{domain.name}" is "{domain.mode_label}"'
    if domain.vms_total == 0:
        return f'"{domain.name}" has no VM'
    return None


def unusable_vms(request: Request, domain: Domain) -> tuple[Vm, ...]:
    """The VMs that a Force leaves out, since the site cannot use them now; none with any other type."""
    if request.action != "cfo_complete" or request.type is not FailoverType.FORCE:
        return ()
    return tuple(vm for vm in domain.vms if vm.unusable and vm.name not in request.without)


def _not_recoverable(domain: Domain, request: Request) -> str | None:
    """The rule that all VMs are recoverable, but those that are left out."""
    out = {*request.without, *(vm.name for vm in unusable_vms(request, domain))}
    lacking = [vm for vm in domain.vms if vm.status == "not_recoverable" and vm.name not in out]
    if request.type is None and domain.vms_recoverable and all(vm.unusable for vm in lacking):
        lacking = []  # a menu asks before it is said what kind of failover it is
    counted = sum(vm.status == "not_recoverable" for vm in domain.vms)
    if counted == domain.vms_total - domain.vms_recoverable and not lacking:
        return None
    missing = domain.vms_total - domain.vms_recoverable - (counted - len(lacking))
    remedy = ""
    if any(vm.unusable for vm in lacking):
        remedy = f" ({some([f'{vm.name}: {vm.detail}' for vm in lacking])}); leave them out, or see to them"
    return (
        f'"{domain.name}" is not synchronised yet: {missing} of {domain.vms_total} VMs'
        f" are not recoverable{remedy}"
    )


def cfo_complete_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    """The workflow's rules: only once synchronised, or of an imported domain in one sitting; Run PITR for
    PITR-enabled domains only."""
    one_sitting = request.start_first or request.type is None  # a menu asks before it is said what is meant
    if domain.mode is Mode.REHYDRATING:
        closed = _not_recoverable(domain, request)
        if closed is not None:
            return closed
    if domain.mode is Mode.IMPORTED and one_sitting:
        pass
    elif domain.mode not in (Mode.SYNCHRONISED, Mode.REHYDRATING):
        return (
            "a continuous failover can be completed only while it is in progress;"
            f' "{domain.name}" is "{domain.mode_label}"'
        )
    if domain.vms_total == 0:
        return f'"{domain.name}" has no VM'
    out = {*request.without, *(vm.name for vm in unusable_vms(request, domain))}
    if out and all(vm.name in out for vm in domain.vms):
        return f'no VM of "{domain.name}" would be left: {some(sorted(out))} would be left out'
    if request.run_pitr and not domain.pitr.enabled:
        return f'"{domain.name}" is not PITR-enabled, so "Run PITR after recovering VMs" is not offered'
    return None


def cfo_remap_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if domain.mode is Mode.IMPORTED:
        return f'"{domain.name}" has no continuous failover yet, with which networks are chosen'
    if domain.mode is Mode.PROTECTED:
        return f'"{domain.name}" was not failed over'
    if not request.networks:
        return "no network is named; name each with --network FROM=TO"
    return None


def pitr_start_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    if not domain.pitr.enabled:
        return f'"{domain.name}" is not PITR-enabled'
    if domain.session is not None:
        return f'"{domain.name}" already has a PITR session'
    if domain.way_back.returning is not None:
        return f'"{domain.name}" is being failed back'
    if domain.undoing is not None:
        return f'the failover of "{domain.name}" is being undone'
    if domain.owner is not Owner.LOCAL:
        return f'this site does not own "{domain.name}"; a PITR session can be started at its owner site only'
    if domain.mode is not Mode.RUNNING_IN_FAILOVER and domain.mode is not Mode.PROTECTED:
        return f'a PITR session cannot be started while "{domain.name}" is "{domain.mode_label}"'
    if domain.vms_total == 0:
        return f'"{domain.name}" has no VM'
    return _unknown_vms(domain, request.vms)


def pitr_run_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    closed = _session_only(domain, "roll back")
    if closed:
        return closed
    session = domain.session
    assert session is not None
    if request.vms:
        unknown = _unknown_vms(domain, request.vms, session.vms)
        if unknown:
            return unknown
    if request.to is not None:
        return why_unreachable(domain, request.to, now)
    return None


def pitr_entry_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    closed = _session_only(domain, "make entry points")
    if closed:
        return closed
    if not any(vm.lacks_entry for vm in domain.vms):
        return f'every VM in the PITR session of "{domain.name}" has its entry point'
    return None


def pitr_exit_closed(domain: Domain, request: Request, now: datetime) -> str | None:
    return _session_only(domain, "exit it")
