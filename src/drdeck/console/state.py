"""The console's knowledge: the newest news of the controller, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from drdeck.controller.ipc import client
from drdeck.controller.ipc.protocol import Detail, Listing, Welcome
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.domains import Domain
from drdeck.model.plans.run_views import RunView
from drdeck.model.text import some

NOT_SEEN = "waiting for the site ..."


@dataclass(frozen=True)
class State:
    """All that a console has of its site.

    `lost` says why there is no controller now; the rest is the last that one said.
    """

    welcome: Welcome | None = None
    listing: Listing | None = None
    detail: Detail | None = None
    lost: str | None = None
    attached: int = 0
    """how many times a controller was reached: what could not be read before is read then"""
    read_only_here: bool = False
    """this console refuses every act, whatever its controller allows"""

    def now(self, real: datetime) -> datetime:
        """The site's time at our time `real`; without news, ours."""
        if self.listing is not None and self.listing.clock is not None:
            return self.listing.clock.at(real)
        return real.astimezone(UTC)

    @property
    def site(self) -> str:
        if self.listing is not None:
            return self.listing.site
        return self.welcome.site if self.welcome is not None else "-"

    @property
    def read_only(self) -> bool:
        sources = (self.listing, self.welcome)
        return self.read_only_here or any(source.read_only for source in sources if source is not None)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Those that the site shows; before it was read, what their records tell of them."""
        return () if self.listing is None else self.listing.domains or self.listing.records

    @property
    def site_seen(self) -> bool:
        """True once the site was seen: before, that nothing is here means nothing."""
        return self.listing is not None and self.listing.clock is not None

    @property
    def heard(self) -> bool:
        """True once there were news, or a reason why there are none."""
        return self.listing is not None or self.lost is not None

    @property
    def stale(self) -> bool:
        return self.lost is not None or (self.listing is not None and self.listing.stale_s is not None)

    @property
    def out_of_date(self) -> str:
        """The reason why the view may not be true any more, in a sentence; empty while it is fresh."""
        if self.lost is not None:
            return self.lost
        listing = self.listing
        if listing is None or listing.stale_s is None:
            return ""
        if listing.seen_at is None and listing.error:
            return listing.error  # nothing is shown that could be out of date
        error = listing.error or "the site does not answer"
        return f"{error}. Shown: {listing.seen_at.astimezone(UTC):%H:%M:%SZ}" if listing.seen_at else error

    @property
    def also_here(self) -> tuple[str, ...]:
        """user@host of the other consoles of this controller."""
        names = [] if self.listing is None or self.lost is not None else list(self.listing.consoles)
        if (mine := client.who()) in names:
            names.remove(mine)
        return tuple(names)

    def domain(self, name: str) -> Domain | None:
        """The domain as fully as it is known."""
        if self.detail is not None and self.detail.name == name and self.detail.domain is not None:
            return self.detail.domain
        return next((d for d in self.domains if d.name == name), None)

    def full(self, name: str) -> bool:
        """True if the insides of a domain are known, and not its row of the list only."""
        return self.detail is not None and self.detail.name == name and self.detail.domain is not None

    def is_gone(self, name: str) -> bool:
        """True once the site was seen to have no domain of that name."""
        return self.site_seen and self.domain(name) is None

    @property
    def operations(self) -> tuple[OperationView, ...]:
        """All that are known, the newest news of each."""
        sources = (self.listing, self.detail)
        return tuple({o.id: o for source in sources if source for o in source.operations}.values())

    def open_operations(self, domain: str | None = None) -> tuple[OperationView, ...]:
        going = (OperationState.OPEN, OperationState.ASKING)
        return tuple(o for o in self.operations if o.state in going and domain in (None, o.domain))

    def failover(self, domain: str) -> OperationView | None:
        """The completion of that domain that is open, else the one that ended last."""
        of_domain = [o for o in self.operations if o.domain == domain and o.action == "cfo_complete"]
        return max(of_domain, key=lambda o: (o.ended_at is None, o.asked_at), default=None)

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Runs of Failover Plans: open ones, and those that ended last."""
        return () if self.listing is None else self.listing.runs

    def run(self, ident: str) -> RunView | None:
        return next((run for run in self.runs if run.run == ident), None)

    def closing_line(self) -> str:
        """A sentence about what goes on when the console was left."""
        if self.welcome is None or self.lost is not None:
            return "left; no controller was attached"
        going = [f"{describe(o)} of {o.domain}" for o in self.open_operations()]
        what = f"with {some(going, between='; ')}" if going else "and no operation is open"
        return (
            f"left {self.welcome.site}; its controller (process {self.welcome.pid}) continues, {what};"
            " `drdeck` attaches again"
        )

    def longest_session(self, now: datetime) -> tuple[Domain, float] | None:
        """The domain that is unprotected for the longest time, with the seconds."""
        sessions = [(d, s) for d in self.domains if (s := d.unprotected_s(now)) is not None]
        return max(sessions, key=lambda pair: pair[1], default=None)


def describe(operation: OperationView) -> str:
    """An operation in a few words: "Failover (force)", "Run PITR"."""
    action = BY_NAME.get(operation.action)  # none in the journal of another version
    label = operation.action if action is None else action.label
    if operation.request.type is not None:
        return f"{label} ({operation.request.type}{', Run PITR' if operation.request.run_pitr else ''})"
    return label
