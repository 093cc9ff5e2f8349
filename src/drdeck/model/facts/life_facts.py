"""Facts of a domain's whole life beside the failover itself; when what goes on there will be over."""

from datetime import datetime

from drdeck.model.frozen import Frozen
from drdeck.model.times import show_seconds


class Undo(Frozen, frozen=True, kw_only=True):
    """The way back from a failover that was not committed: to the state at `since`, just before the first
    power on here. `reason`: why there is none; empty: it is possible. `starts_there`: it powers the VMs at
    the protected site on. `others`: snapshots that others made here since, each with its VM."""

    since: datetime | None = None
    reason: str = ""
    starts_there: bool = False
    others: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        return not self.reason

    def loses_s(self, now: datetime) -> float | None:
        """Seconds of what was written here that are given up by it."""
        return None if self.since is None else max(0.0, (now - self.since).total_seconds())


class WayBack(Frozen, frozen=True, kw_only=True):
    """A domain's place on the way back, beside its mode.

    `owned_there`: the record of the other side's drdeck says that it owns the domain, or that it does not;
    None: there is none to be read. `releasing`, `returning`: operations that release it, or fail it back.
    `missing`: VM -> what is missing before the domain is imported again. `restored_at`: since when this site
    is its primary site. `fails_back`: the site moves data itself, so that Failback is offered. `resumable`:
    what is here since a failback can be brought up to date.
    """

    owned_there: bool | None = None
    releasing: str | None = None
    cleaning: bool = False
    """of a release: it can not be cancelled any more"""
    missing: dict[str, str] = {}
    restored_at: datetime | None = None
    restored_by: str | None = None
    replicates_to: str = ""
    """where it goes from here, as the settings say"""
    tool_page: str = ""
    """address of the replication tool's page, as the settings say"""
    in_step: int = 0
    """VMs at the other side that have a point of what was written here since the commit, or the restore"""
    there_total: int = 0
    """VMs of the domain at the other side, as far as they are seen"""
    fails_back: bool = False
    returning: str | None = None
    resumable: bool = False


class Estimate(Frozen, frozen=True, kw_only=True):
    """The site's time of the end, and `source`: what it was reckoned from, in a few words."""

    ends_at: datetime
    source: str

    def says(self, now: datetime) -> str:
        """The estimate in a phrase; once its time is past, that it takes longer."""
        if self.ends_at <= now:
            return f"longer than est., from {self.source}"
        same_day = self.ends_at.date() == now.date()
        at = f"{self.ends_at:%H:%M:%SZ}" if same_day else show_seconds(self.ends_at)
        return f"est. end {at}, from {self.source}"
