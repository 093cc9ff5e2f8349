"""Rules of a domain's return: restore, release, failback. The sentence that says why not, or None."""

from __future__ import annotations

from drdeck.model.domains import Domain, Mode, Owner
from drdeck.model.text import some

_NAMED = 5
NO_DATA_MOVED = (
    "not supported at this site: it moves no data. Turn the direction round in the replication tool, let the"
    " other side fail it over, then release it here (drdeck way-back {name} has the steps)"
)


def owned_here(domain: Domain) -> bool:
    """A failover runs here, or this site is the domain's primary site by a restore."""
    restored = domain.way_back.restored_at is not None
    return domain.mode is Mode.RUNNING_IN_FAILOVER or (domain.mode is Mode.PROTECTED and restored)


def way_back_listed(domain: Domain) -> bool:
    return owned_here(domain) or domain.mode is Mode.RELEASING


def restore_listed(domain: Domain) -> bool:
    return domain.mode is Mode.RUNNING_IN_FAILOVER and domain.way_back.restored_at is None


def restore_closed(domain: Domain) -> str | None:
    """Restore: once a failover was committed."""
    closed = _at_rest(domain, "restored here")
    if closed is not None:
        return closed
    if domain.way_back.restored_at is not None:
        return f'this site is the primary site of "{domain.name}" already'
    if domain.committed_at is None:
        return f'the failover of "{domain.name}" is not committed; commit it first (Commit Failover)'
    return None


def release_closed(domain: Domain) -> str | None:
    """Release Domain: nothing goes on, no VM runs here, and nobody says that the other side has it not."""
    closed = _at_rest(domain, "released")
    if closed is not None:
        return closed
    up = [vm.name for vm in domain.vms if vm.power != "off" and not vm.left_out]
    if up:
        fails_back = domain.way_back.fails_back
        by = "Failback takes them back" if fails_back else "a Planned Failover there shuts them down"
        vms = some(up, _NAMED)
        return f'VMs of "{domain.name}" are not off here, so that nobody else may own it: {vms}; {by}'
    if domain.way_back.owned_there is False:
        return (
            f'the record at the other side says that it does not own "{domain.name}";'
            " complete its failover there first"
        )
    return None


def cancel_release_closed(domain: Domain) -> str | None:
    if domain.mode is not Mode.RELEASING:
        return f'"{domain.name}" is not being released; it is "{domain.mode_label}"'
    if domain.way_back.cleaning:
        return f'"{domain.name}" has its replicas, and is imported again in a moment'
    if domain.way_back.owned_there:
        return f'the record at the other side says that it owns "{domain.name}"; two owners would write it'
    return None


def failback_listed(domain: Domain) -> bool:
    return domain.way_back.fails_back and domain.mode is Mode.RUNNING_IN_FAILOVER


def failback_closed(domain: Domain) -> str | None:
    """Failback: by a site that moves the data itself."""
    if not domain.way_back.fails_back:
        return NO_DATA_MOVED.format(name=domain.name)
    if domain.way_back.restored_at is not None:
        return (
            f'this site is the primary site of "{domain.name}" now; its other site imports it,'
            " and fails it over"
        )
    return _at_rest(domain, "failed back")


def resume_closed(domain: Domain) -> str | None:
    """Resume Continuous Rehydration: of what a failback left here."""
    if domain.mode is not Mode.IMPORTED:
        return f'it needs an imported domain; "{domain.name}" is "{domain.mode_label}"'
    if domain.way_back.resumable:
        return None
    if not domain.way_back.fails_back:
        return (
            f"not supported at this site: it moves no data. Start continuous failover of {domain.name} anew"
        )
    return f'"{domain.name}" was not failed back from here; start its continuous failover'


def _at_rest(domain: Domain, done: str) -> str | None:
    name = domain.name
    if domain.session is not None:
        return f'"{name}" has a PITR session; exit it before the domain is {done}'
    if domain.trial is not None and done == "released":
        return f'"{name}" has test VMs, which stand on its replicas; End Test first'
    if domain.undoing is not None:
        return f'the failover of "{name}" is being undone'
    if domain.committing is not None:
        return f'the failover of "{name}" is being committed'
    if domain.way_back.returning is not None:
        return f'"{name}" is being failed back'
    if domain.mode is Mode.RELEASING:
        return f'"{name}" was released, and waits for replicas'
    if not owned_here(domain) or domain.owner is not Owner.LOCAL:
        return f'only a domain that runs here can be {done}; "{name}" is "{domain.mode_label}"'
    return None
