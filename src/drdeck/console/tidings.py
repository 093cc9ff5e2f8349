"""Which news want a dialog: an operation that ended, a failover found in progress, a password wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

from drdeck.controller.operations import ENDED, OperationState, OperationView
from drdeck.controller.protocol import Listing
from drdeck.model.passwords import PasswordWanted

from .state import describe


@dataclass
class Tidings:
    """Remembers what this console has seen, so that each thing is told once."""

    following: set[str] = field(default_factory=set)
    """operations that were open when last looked at, or asked for from here"""
    greeted: bool = False
    asked_passwords: set[tuple[str, int]] = field(default_factory=set)

    def ended(self, listing: Listing) -> list[OperationView]:
        """Operations that ended since they were last looked at; notes the open ones."""
        over = [o for o in listing.operations if o.state in ENDED and o.id in self.following]
        self.following -= {o.id for o in over}
        self.following |= {o.id for o in listing.operations if o.state not in ENDED}
        return over

    def in_progress(self, listing: Listing) -> OperationView | None:
        """Once, on attaching: a failover that is open already."""
        if self.greeted or listing.clock is None:
            return None
        self.greeted = True
        return next(
            (o for o in listing.operations if o.action == "cfo_complete" and o.state not in ENDED), None
        )

    def passwords_wanted(self, listing: Listing) -> list[PasswordWanted]:
        """Those that were not asked for yet; one that was refused is asked for again."""
        now = {(w.of, w.number): w for w in listing.passwords}
        new = [w for key, w in now.items() if key not in self.asked_passwords]
        self.asked_passwords = set(now)
        return new


def last_word(operation: OperationView) -> str:
    """How an operation ended, in a sentence."""
    what = f"{describe(operation)} of {operation.domain}"
    if operation.state is OperationState.DONE:
        return f"{what}: done"
    if operation.state is OperationState.ABORTED:
        return f"{what}: aborted, {operation.error}" if operation.error else f"{what}: aborted"
    return f"{what} failed: {operation.error or 'the site gave no reason'}"
