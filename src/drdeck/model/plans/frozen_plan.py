"""The part of a plan that a run keeps from its decision on: later edits count from the next run."""

from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen

from .failover_plan import DOMAINS_AT_ONCE, PATIENCE_S, Gate, OnFailure


class FrozenDomain(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A domain of a run. `wave` counts from 0.

    `impossible`: why it is in no run as things were, named and left alone; `skipped`: why there is nothing to
    do. `networks`: protected network -> recovery network. `answered`: its protected site answered when that
    was decided, and a person went on with it.
    """

    name: str
    wave: int
    vms: int = 0
    networks: dict[str, str] = {}
    synchronised: bool = False
    impossible: str = ""
    skipped: str = ""
    left_out: str = ""
    """by whom, before the run began: --except, --only or the dialog"""
    answered: bool = False
    running: int = 0
    """protected VMs that were seen to run"""

    @property
    def begins(self) -> bool:
        return not (self.impossible or self.skipped or self.left_out)


class FrozenWave(Frozen, frozen=True, kw_only=True):
    name: str
    gate: Gate = Gate.SETTLED


class FrozenPlan(Frozen, frozen=True, kw_only=True):
    """The domains that a run begins, in order. All its decisions follow from this and from what is seen."""

    plan: str
    title: str = ""
    type: FailoverType
    run_pitr: bool = False
    waves: tuple[FrozenWave, ...]
    domains: tuple[FrozenDomain, ...]
    """by wave, those that are synchronised first, then as the site has them"""
    domains_at_once: int = DOMAINS_AT_ONCE
    patience_s: float = PATIENCE_S
    on_failure: OnFailure = OnFailure.GO_ON
    facts: dict[str, str] = {}
    """what the person saw who decided"""

    @property
    def number(self) -> int:
        """The number of domains that the run begins: NUMBER of `type PLAN NUMBER`."""
        return sum(domain.begins for domain in self.domains)
