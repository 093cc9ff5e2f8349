"""The way back as a checklist: what is to be done, by whom, and what drdeck has checked of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drdeck.model.actions.action_table import BY_NAME, refusal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode, ProtectedSite
from drdeck.model.frozen import Frozen
from drdeck.model.times import show_spaced

DONE, OPEN, UNKNOWN = "done", "open", "unknown"
NOT_CHECKED = "NOT CHECKED"

COMMANDS = {
    "cfo_cancel": "drdeck cfo cancel {}",
    "failover_undo": "drdeck failover undo {}",
    "failover_commit": "drdeck failover commit {}",
    "domain_failback": "drdeck domain failback {}",
    "cfo_resume": "drdeck cfo resume {}",
    "domain_restore": "drdeck domain restore {}",
    "domain_release": "drdeck domain release {}",
    "release_cancel": "drdeck domain cancel-release {}",
}
"""action -> its command line, with the domain's name to be put in"""


class OpenWay(Frozen, frozen=True, kw_only=True):
    """An action of the way back that a domain's menu has now; `reason`: why it cannot be asked for; None: it
    can."""

    action: str
    label: str
    command: str
    reason: str | None = None


class ReturnStep(Frozen, frozen=True, kw_only=True):
    """One thing that is to be done before the domain is back at its other side, in order.

    `by`: who does it; `state`: done, open or unknown; `checked`: False where drdeck cannot see it.
    """

    number: int
    text: str
    by: str
    state: str
    checked: bool

    @property
    def checked_by(self) -> str:
        return "drdeck" if self.checked else NOT_CHECKED


def open_ways(domain: Domain, now: datetime, read_only: bool = False) -> tuple[OpenWay, ...]:
    """The actions of the way back that are listed now, each with the reason against it."""
    return tuple(
        OpenWay(
            action=name,
            label=BY_NAME[name].label,
            command=command.format(domain.name),
            reason=refusal(Request(action=name, domain=domain.name), domain, now, read_only),
        )
        for name, command in COMMANDS.items()
        if BY_NAME[name].listed(domain)
    )


def by_openness(ways: Sequence[OpenWay]) -> tuple[tuple[str, tuple[OpenWay, ...]], ...]:
    """The ways that are open and those that are closed, each under its heading; only such as there are."""
    if not ways:
        return (("Nothing of the way back is open now", ()),)
    groups = (
        ("Open now", tuple(way for way in ways if way.reason is None)),
        ("Not possible now", tuple(way for way in ways if way.reason is not None)),
    )
    return tuple(group for group in groups if group[1])


def return_steps(domain: Domain, protected: ProtectedSite) -> tuple[ReturnStep, ...]:
    """The checklist of a domain that runs here, or ran here until it was released; empty for others."""
    back = domain.way_back
    here = domain.mode in (Mode.RUNNING_IN_FAILOVER, Mode.RELEASING, Mode.PITR_SESSION)
    if not here and back.restored_at is None:
        return ()
    rows = _by_failback(domain, protected) if back.fails_back else _by_a_tool(domain, protected)
    return tuple(
        ReturnStep(number=number, text=text, by=by, state=state or UNKNOWN, checked=state is not None)
        for number, (text, by, state) in enumerate(rows, 1)
    )


Row = tuple[str, str, str | None]
"""Text, who does it, and its state; None: it cannot be seen."""


def _by_a_tool(domain: Domain, protected: ProtectedSite) -> list[Row]:
    back = domain.way_back
    since = back.restored_at or domain.committed_at
    committed = "committed" if domain.committed_at is not None else "not committed; it can still be undone"
    newer = "the failover was committed" if since is None else show_spaced(since)
    in_step = None
    if back.there_total and since is not None:
        in_step = DONE if back.in_step >= back.there_total else OPEN
    count = f" ({back.in_step} of {back.there_total} VMs have one)" if in_step is not None else ""
    page = f": {back.tool_page}" if back.tool_page else ""
    owned = None if back.owned_there is None else DONE if back.owned_there else OPEN
    return [
        (
            f"Commit Failover of {domain.name}: the failover is {committed}",
            "you, here",
            DONE if domain.committed_at is not None else OPEN,
        ),
        _original_off(domain, protected),
        (
            f"The direction of replication is turned round in the replication tool{page}",
            "you, in the tool",
            None,
        ),
        (f"In step: each VM there has a point newer than {newer}{count}", "the tool", in_step),
        (
            "At the other side: import it, Continuous Failover, then Planned Failover, which shuts the VMs"
            " down here",
            "whoever runs the other side",
            owned,
        ),
        _release_row(domain),
    ]


def _original_off(domain: Domain, protected: ProtectedSite) -> Row:
    where = protected.address or "the protected site"
    text, state = f"{where} is up, and the VMs of {domain.name} are off there", None
    if protected.state == "lost":
        text, state = f"{where} is up: it does not answer now", OPEN
    elif protected.running is not None and domain.way_back.owned_there is not True:
        state = OPEN if protected.running else DONE
        text += f" ({protected.running} of {protected.total} run)"
    return text, "whoever runs the other side", state


def _release_row(domain: Domain) -> Row:
    text = (
        f"Release Domain here, once the VMs are off; {domain.name} is imported again when its replicas come"
    )
    if domain.mode is Mode.RELEASING:
        lacking = "; ".join(f"{vm}: {why}" for vm, why in domain.way_back.missing.items())
        text = f"{domain.name} was released, and waits for replicas{': ' if lacking else ''}{lacking}"
    return text, "you, here", OPEN


def _by_failback(domain: Domain, protected: ProtectedSite) -> list[Row]:
    where = protected.address or "the protected site"
    up = {"reachable": DONE, "lost": OPEN}.get(protected.state)
    going = domain.way_back.returning is not None
    return [
        (f"{where} is up", "whoever runs the other side", up),
        (
            f"Failback of {domain.name}: its data flows back, its VMs here are shut down, and {where} owns it"
            + (" (under way)" if going else ""),
            "you, here",
            OPEN,
        ),
        ("Resume Continuous Rehydration: what is here is kept up to date again", "you, here", OPEN),
    ]
