"""A Failover Plan as the settings have it: waves of domain patterns, and how a run of it goes on."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen
from drdeck.model.text import fits, some

ALL = "all"
"""The plan that is there without settings: every domain of the site in one wave."""
PATIENCE_S = 300.0
DOMAINS_AT_ONCE = 8
"""So that an operator can follow."""
OTHERS = "others"
"""The wave of the domains that no wave names."""


class Gate(StrEnum):
    """The condition on which a wave begins: the wave before is settled, or a person says so as well."""

    SETTLED = "settled"
    CONFIRM = "confirm"


class OnFailure(StrEnum):
    GO_ON = "go_on"
    HOLD = "hold"


class Others(StrEnum):
    """The place of domains that no wave names: in a wave after all others, or in no run at all."""

    LAST = "last"
    REFUSE = "refuse"


class Wave(Frozen, frozen=True, kw_only=True):
    """Domains, by shell patterns of their names, that begin together. `gate`: how the wave itself begins."""

    name: str
    domains: tuple[str, ...]
    gate: Gate = Gate.SETTLED


class FailoverPlan(Frozen, frozen=True, kw_only=True):
    """Waves of domains to fail over as one run.

    `type` and `run_pitr` are what a dialog preselects; the decision is made anew each time.
    """

    name: str
    title: str = ""
    type: FailoverType | None = None
    run_pitr: bool = True
    waves: tuple[Wave, ...] = ()
    others: Others = Others.REFUSE
    domains_at_once: int = DOMAINS_AT_ONCE
    patience_s: float = PATIENCE_S
    on_failure: OnFailure = OnFailure.GO_ON


class WaveMembers(Frozen, frozen=True, kw_only=True):
    """A wave with the names of its domains, as the site has them now."""

    name: str
    gate: Gate
    domains: tuple[str, ...]


def plan_all() -> FailoverPlan:
    """Every domain of the site in one wave."""
    return FailoverPlan(name=ALL, title="every domain of the site", waves=(Wave(name="1", domains=("*",)),))


def plan_of_marked(names: Sequence[str]) -> FailoverPlan:
    """A plan of domains that were marked or named: one wave, for one run."""
    marked = tuple(_literal(name) for name in names)
    return FailoverPlan(name="marked", title="marked domains", waves=(Wave(name="1", domains=marked),))


def _literal(name: str) -> str:
    """A pattern that matches this name and no other."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def members(plan: FailoverPlan, names: Iterable[str]) -> tuple[WaveMembers, ...]:
    """Each wave with its domains in the order of the site; a domain is in the first wave that names it."""
    left = list(dict.fromkeys(names))
    waves: list[WaveMembers] = []
    for wave in plan.waves:
        inside = tuple(name for name in left if _matches(name, wave.domains))
        left = [name for name in left if name not in inside]
        waves.append(WaveMembers(name=wave.name, gate=wave.gate, domains=inside))
    if plan.others is Others.LAST and left:
        waves.append(WaveMembers(name=OTHERS, gate=Gate.SETTLED, domains=tuple(left)))
    return tuple(waves)


def problems(plan: FailoverPlan, names: Iterable[str]) -> list[str]:
    """Sentences on what in a plan does not fit the domains that the site shows; empty when all fits."""
    domains, waves_of = list(dict.fromkeys(names)), dict[str, list[str]]()
    words: list[str] = []
    for wave in plan.waves:
        matched = False
        for pattern in wave.domains:
            hits = [name for name in domains if fits(name, pattern)]
            matched = matched or bool(hits)
            if not hits:
                words.append(f'plan "{plan.name}", wave "{wave.name}": no domain is named "{pattern}"')
        for name in domains:
            if _matches(name, wave.domains):
                waves_of.setdefault(name, []).append(wave.name)
        if not matched:
            words.append(f'plan "{plan.name}": the wave "{wave.name}" has no domain')
    for name, waves in waves_of.items():
        if len(waves) > 1:
            both = " and ".join(f'"{wave}"' for wave in waves)
            words.append(f'plan "{plan.name}": "{name}" is in the waves {both}; it begins with the first one')
    return words


def outside(plan: FailoverPlan, names: Iterable[str]) -> tuple[str, ...]:
    """The domains that no wave names, where the plan leaves such alone."""
    if plan.others is Others.LAST:
        return ()
    return tuple(name for name in names if not any(_matches(name, wave.domains) for wave in plan.waves))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fits(name, pattern) for pattern in patterns)


def narrowed(waves: Iterable[WaveMembers], only: Sequence[str], without: Sequence[str]) -> list[WaveMembers]:
    """The waves with those of their domains that `only` names (empty: all) and `without` does not."""
    return [
        msgspec.structs.replace(
            wave,
            domains=tuple(
                name
                for name in wave.domains
                if (not only or _matches(name, only)) and not _matches(name, without)
            ),
        )
        for wave in waves
    ]


def unmatched(patterns: Iterable[str], names: Iterable[str]) -> str | None:
    """A sentence on patterns of --only or --except that match no domain; None when each matches one."""
    there = list(names)
    idle = [pattern for pattern in patterns if not any(fits(name, pattern) for name in there)]
    if not idle:
        return None
    return f"no domain of the plan is named {some([repr(p) for p in idle])}; it has {some(there, 8)}"
