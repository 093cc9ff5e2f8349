"""Rules of the way back: the sentence that says why something cannot be asked for now, or None."""

from __future__ import annotations

from drdeck.model.domains import Domain, Mode, Owner
from drdeck.model.times import show_spaced

_UNDER_WAY = (Mode.REHYDRATING, Mode.SYNCHRONISED, Mode.COMPLETING)


def cancel_listed(domain: Domain) -> bool:
    return domain.mode in _UNDER_WAY


def cancel_closed(domain: Domain) -> str | None:
    """Cancel Continuous Failover: before ownership only."""
    if domain.mode not in _UNDER_WAY:
        return f'no continuous failover is in progress; "{domain.name}" is "{domain.mode_label}"'
    if domain.owner is Owner.LOCAL:
        return f'this site owns "{domain.name}" already; its failover can only continue'
    return None


def uncommitted(domain: Domain) -> bool:
    """A failover runs here that was not committed: Undo and Commit Failover are listed."""
    return domain.mode is Mode.RUNNING_IN_FAILOVER and domain.committed_at is None


def undo_closed(domain: Domain) -> str | None:
    """Undo Failover: while nothing depends on it."""
    closed = _runs_here(domain, "undone")
    if closed is not None:
        return closed
    if domain.undo is None:
        return f'the site keeps nothing that the failover of "{domain.name}" could be undone with'
    return domain.undo.reason or None


def commit_closed(domain: Domain) -> str | None:
    """Commit Failover: once."""
    return _runs_here(domain, "committed")


def _runs_here(domain: Domain, done: str) -> str | None:
    name = domain.name
    if domain.session is not None:
        return f'"{name}" has a PITR session; exit it before its failover is {done}'
    if domain.mode is not Mode.RUNNING_IN_FAILOVER or domain.owner is not Owner.LOCAL:
        return f'only a failover that runs here can be {done}; "{name}" is "{domain.mode_label}"'
    if domain.undoing is not None:
        return f'the failover of "{name}" is being undone'
    if domain.way_back.returning is not None:
        return f'"{name}" is being failed back'
    if domain.committed_at is not None:
        at = show_spaced(domain.committed_at)
        return f'the failover of "{name}" was committed at {at}; it cannot be {done} any more'
    return None
