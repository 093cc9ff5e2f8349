"""One look at all domains of a plan: which may begin now, which not and why, and what it comes to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from drdeck.model.domains import FailoverType, Networks
from drdeck.model.facts.trial_facts import LastTrial
from drdeck.model.frozen import Frozen

from .failover_plan import FailoverPlan


class Possible(StrEnum):
    """A domain as the look before a run judges it.

    `skipped`: there is nothing to do, since it is here already.
    """

    YES = "possible"
    WARNING = "warning"
    NO = "not_possible"
    SKIPPED = "skipped"


class DomainCheck(Frozen, frozen=True, kw_only=True):
    """A domain of a plan as it is now; `running`: protected VMs that are seen to run, None: not known."""

    name: str
    wave: int
    possible: Possible
    reason: str = ""
    warnings: tuple[str, ...] = ()
    vms: int = 0
    synchronised: bool = False
    networks: dict[str, str] = {}
    unmapped: tuple[str, ...] = ()
    protected: str = ""
    """the state of its protected site: reachable, lost, unknown"""
    comes_from: str = ""
    """its protected site's address; empty: not known"""
    running: int | None = None
    left_out: bool = False
    testable: bool = False
    """the site can test it"""
    tested: LastTrial | None = None

    @property
    def reason_of_any(self) -> str:
        """The reason as it would be for any domain: many have the same."""
        return self.reason.replace(f'"{self.name}"', "it")


class PlanCheck(Frozen, frozen=True, kw_only=True):
    """The look at a plan. `number`: how many domains a run would begin now.

    `facts`: send them back with the decision, so that it is refused when they no longer hold. `says`:
    consequences in plain sentences. `problems`: what in the plan does not fit the site. `type_confirm` and
    `running_confirm`: what must be typed, empty where nothing must.
    """

    plan: FailoverPlan
    at: datetime
    type: FailoverType
    run_pitr: bool
    waves: tuple[str, ...] = ()
    domains: tuple[DomainCheck, ...] = ()
    problems: tuple[str, ...] = ()
    refusal: str = ""
    """why no run can begin at all"""
    number: int = 0
    vms: int = 0
    tier: int = 2
    type_confirm: str = ""
    running_confirm: str = ""
    running: tuple[str, ...] = ()
    """domains whose protected VMs are seen to run, which need the second typing"""
    networks: Networks = Networks()
    """of all domains, so that each is mapped once"""
    unmapped: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    says: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    direction: str = ""
    """from which sites to which, in words: "from vcsa.prod.example (does not answer) to dr-west" """
    room: tuple[str, ...] = ()
    """of `says`: memory and room that all need together, and what is free; empty where no site told"""
    estimate_s: float | None = None
    estimate_from: str = ""
    rehearsed: str = ""
    """when a run of this plan ended last here, and by whom; empty: never"""

    def of(self, possible: Possible) -> tuple[DomainCheck, ...]:
        return tuple(d for d in self.domains if d.possible is possible and not d.left_out)


class PlanSummary(Frozen, frozen=True, kw_only=True):
    """A plan in the list of plans."""

    plan: FailoverPlan
    domains: int = 0
    problems: tuple[str, ...] = ()
    rehearsed: str = ""
