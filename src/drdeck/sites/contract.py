"""The one protocol between the controller and anything that can be driven."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from drdeck.model.alarms import Finding
from drdeck.model.certificates import Certificate
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import Domain, ProtectedSite
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.guard import Hazards
from drdeck.model.leftovers import Leftovers
from drdeck.model.passwords import Login, Password
from drdeck.model.pitr import Points, Writing
from drdeck.model.planned import PlannedCall
from drdeck.model.plans.failover_plan import FailoverPlan
from drdeck.model.plans.room_check import RoomForAll
from drdeck.model.plans.run_note import RunMark, RunNote
from drdeck.model.views import SiteView


class SiteError(Exception):
    """A site's "no". The text is one clear sentence for the operator."""


class SiteUnreachable(SiteError):
    """The site cannot be talked to now; nothing was changed; trying again later is right.

    `silent_s`: where `watch` raises it, seconds since the site was heard of; up to then nothing had changed
    since the last view. None: not known.
    """

    silent_s: float | None = None


class Busy(SiteUnreachable):
    """The site is at work on what this would change, or on its way to it; later it may be done."""


class LoginRefused(SiteUnreachable):
    """The site answers but does not let us in; a new password is needed before trying again.

    `retry_s`: seconds after which the same one is tried again, since it has worked before; None: it is not.
    """

    retry_s: float | None = None


class CertificateWrong(SiteUnreachable):
    """The site shows a certificate that is not the one to be believed; nothing was said to it."""


class CertificateUntrusted(CertificateWrong):
    """The site shows a certificate that nothing makes us believe; a person may compare it and pin it."""

    def __init__(self, text: str, certificate: Certificate) -> None:
        super().__init__(text)
        self.certificate = certificate


class Refused(SiteError):
    """The site refused, in its own words; nothing was changed."""


class ResultUnknown(SiteError):
    """A changing call was sent and its answer was lost: it may or may not have happened."""


class PasswordSource(Protocol):
    """The source of a site's passwords, at each login. Any thread may call."""

    def get(self, login: Login) -> Password:
        """The password; may block. Raises LoginRefused with what to do when there is none."""

    def refused(self, login: Login, why: str) -> float | None:
        """The site did not take what `get` gave last; it is not to be sent again soon. Seconds after which it
        may be, where it has worked before."""

    def accepted(self, login: Login) -> None:
        """The site took it."""


TaskBegun = Callable[[str], Awaitable[None]]
"""Awaited with the id of a task that a site has begun, before the task is waited for."""


@runtime_checkable
class PolledSite(Protocol):
    """A site that is asked again and again, and more often about what somebody looks at."""

    looked_at: Callable[[], frozenset[str]]
    """gives the names of the domains that somebody looks at now; set by whoever knows"""


@runtime_checkable
class ShowsRecordsFirst(Protocol):
    """A site that takes long to be read, and shows its domains before that by their records alone."""

    on_records: Callable[[tuple[Domain, ...]], None]
    """given them, all `unread`, before the first view; set by whoever shows them"""


@runtime_checkable
class LimitsCalls(Protocol):
    """A site at which only so many calls of a kind may run at a time."""

    call_places: Mapping[str, int]
    """kind of place (power_on, revert, snapshot, delete, shutdown) -> how many"""


@runtime_checkable
class OffersPlans(Protocol):
    """A site that brings failover plans of its own, beside those of the settings."""

    plans: Mapping[str, FailoverPlan]
    """by name"""


@runtime_checkable
class KeepsRuns(Protocol):
    """A site that keeps runs of failover plans, so that another controller can take one over."""

    async def keep_run(self, note: RunNote, marks: Mapping[str, RunMark]) -> None:
        """Keep a run, driven from here: what is marked first, then the note that makes it count. `marks`:
        those that changed. Raises SiteError; Refused where one with a higher `g` is there."""
        ...

    async def forget_run(self, ident: str) -> None:
        """Keep nothing of a run any more. Raises SiteError."""
        ...


@runtime_checkable
class LooksAtRoom(Protocol):
    """A site that tells beforehand what the VMs of many domains need together, and what may stop them."""

    async def room(self, domains: Sequence[str]) -> RoomForAll:
        """One look for all of these domains. Raises SiteError."""
        ...


@runtime_checkable
class RecoverySite(Protocol):
    """A recovery site. All methods are called from one event loop; none may block it.

    Every method may raise SiteUnreachable, Refused; `execute` also ResultUnknown.
    """

    name: str
    kind: str
    parallel: int
    """calls carried out at once"""
    keeps_points: bool
    """whether restore points of owned domains are made by `maintenance_due`"""

    async def open(self) -> None:
        """Connect and log in. Raises SiteUnreachable, LoginRefused, Refused."""

    def watch(self) -> AsyncIterator[SiteView]:
        """Yield a new view now and whenever anything changed, time-outs and delays included.

        Raises SiteUnreachable when the site is lost; the caller waits, opens and watches again.
        """

    async def observe(self) -> SiteView:
        """Read the site anew, whatever was known; the view's serial is above all before."""

    async def execute(self, command: AnyCommand, begun: TaskBegun | None = None) -> str:
        """Carry one command out; returns, when the site confirmed it, what an operator should know of how.

        `begun` is awaited with the id of each task that the site made for it, and returns once that is
        written down: `MakePlannedCall.task` may follow it later. Cancelling leaves it unknown.

        After it returned, `watch` yields a view with a higher serial that shows what was done, as
        far as the site shows such a thing at all.
        """

    async def points(self, domain: str) -> Points:
        """The restore points that may be picked, newest first, with the excluded periods."""

    async def writing(self, domain: str) -> Writing:
        """The newest stretch of abnormal writing among the restore points."""

    async def protected_site(self, domain: str, without: tuple[str, ...] = ()) -> ProtectedSite:
        """Look at the protected site now: does it answer, do its VMs run, but for those of `without`? Never
        changes anything there."""

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        """Things that may disturb a PITR session of these VMs (names; empty: all), as the site shows them."""

    async def obstacles(self, domain: str, networks: Mapping[str, str], without: tuple[str, ...]) -> Hazards:
        """Reasons against starting a domain's VMs now, but for those of `without`, on the networks of a
        mapping (names)."""

    async def trial_room(
        self, domain: str, vms: tuple[str, ...], to: datetime | None
    ) -> tuple[TrialRoom, ...]:
        """Room by datastore that a test of these VMs (names; empty: all) needs and has; empty: not told.

        `to`: from their points then; None: the newest. Raises Refused for what keeps them from a test."""

    def maintenance_due(self, now: datetime) -> list[tuple[str, PlannedCall]]:
        """Calls due without anybody asking (domain name, call): points while owned, pruning, lease."""

    def check(self, command: AnyCommand) -> str | None:
        """The reason why this site could not carry a command out, as things are now; None when it could."""

    async def lacking(self, command: AnyCommand) -> str | None:
        """Privileges that the site's user lacks for all that a command leads to, asked of the site now.

        None: all is allowed. Changes nothing.
        """

    async def findings(self) -> list[Finding]:
        """Findings of a doctor about this site; also while it is out of reach. Raises nothing for that."""

    async def close(self) -> None:
        """Log out and stop; never raises."""


class SiteCleaning(Protocol):
    """The way to what drdeck left at a site, for its removal while no controller of the site runs.

    Every method may raise SiteUnreachable, Refused; `remove` also ResultUnknown.
    """

    async def open(self) -> None:
        """Connect and log in."""

    async def look(self) -> Leftovers:
        """Traces that are there now."""

    async def remove(self) -> Leftovers:
        """Take it away; returns what it was. Nothing is taken where a domain is at work."""

    async def close(self) -> None:
        """Log out; never raises."""
