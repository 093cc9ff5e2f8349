"""Scenarios: what a training site consists of and what befalls it; `scenario_file` reads them from TOML."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from drdeck.model.facts.fault_kinds import FaultKind
from drdeck.model.frozen import Frozen


class ScenarioError(ValueError):
    """A scenario that cannot be used, in one sentence: file, line where known, key, what would be right."""


class ScenarioStruct(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of a scenario; a key that it does not have is refused."""


class ScenarioPitr(ScenarioStruct, frozen=True, kw_only=True):
    """Durations as text: `window = "3d"`, `interval = "1m"`."""

    enabled: bool = False
    window: str = "3d"
    interval: str = "15m"


class ScenarioVm(ScenarioStruct, frozen=True, kw_only=True):
    """A VM: how large it is, how fast it writes, how long it boots.

    `many`: so many of its kind, numbered where "#" stands in the name.
    """

    name: str
    many: int = 1
    disk_bytes: int
    write_bytes_per_s: int = 0
    boot: str = "40s"
    network: str = "VM Network"


class ScenarioIncident(ScenarioStruct, frozen=True, kw_only=True):
    """From `at` on the VMs write `write_factor` times as much (until `until`, if given).

    With `breaks_health` the check in a VM fails while its data is later than `at`. `vms` empty: all.
    `each_after`: it goes from VM to VM, in their order, so long from one to the next.
    """

    at: datetime
    vms: tuple[str, ...] = ()
    write_factor: float = 1
    breaks_health: bool = False
    until: datetime | None = None
    each_after: str = ""


class ScenarioGroup(ScenarioStruct, frozen=True, kw_only=True):
    """A runbook group as in the settings; `vms` are names or patterns."""

    group: str
    vms: tuple[str, ...]
    delay_after: str = "0s"


class ScenarioDomain(ScenarioStruct, frozen=True, kw_only=True):
    """A Protected Domain.

    `lost_at`: when the protected site is lost, where `protected_site` is "lost" (the scenario's start
    when not given). `protected_vms` "off": they do not run there. `ready`: what a VM is waited for.
    `recovery_networks` empty: one is offered and any is taken. `tool`: "manual", where a test asks whether
    the retention of the replication tool is paused.
    """

    name: str
    vms: tuple[ScenarioVm, ...] = ()
    pitr: ScenarioPitr = ScenarioPitr()
    state: Literal["imported", "synchronised", "protected"] = "imported"
    protected_site: Literal["reachable", "lost"] = "reachable"
    lost_at: datetime | None = None
    protected_vms: Literal["on", "off"] = "on"
    incidents: tuple[ScenarioIncident, ...] = ()
    runbook: tuple[ScenarioGroup, ...] = ()
    ready: Literal["power", "tools", "ip"] = "tools"
    owner_address: str = "vcsa.prod.example"
    storage_site: str = "object-store"
    recovery_networks: tuple[str, ...] = ()
    tool: Literal["none", "manual"] = "none"


class ScenarioFault(ScenarioStruct, frozen=True, kw_only=True):
    """Something that goes wrong from `from` (or the start) to `to` (or for good).

    `after`: instead of `from`, so long after the domain's data has begun to be brought here, whenever
    that is. `lasts`: instead of `to`. `domain` empty: every one. `vms` empty: for object_store_lost it
    has no meaning, for the others one VM of the domain, which follows from the scenario's seed. `times`:
    how often it happens to a VM. `factor`: how many times as long a slow VM takes.
    """

    kind: FaultKind
    start: datetime | None = msgspec.field(name="from", default=None)
    end: datetime | None = msgspec.field(name="to", default=None)
    after: str = ""
    lasts: str = ""
    domain: str = ""
    vms: tuple[str, ...] = ()
    times: int = 1
    factor: float = 5


class ScenarioWave(ScenarioStruct, frozen=True, kw_only=True):
    """A wave of a plan, as in the settings; `domains` are names or patterns."""

    name: str
    domains: tuple[str, ...]
    gate: Literal["settled", "confirm"] = "settled"


class ScenarioPlan(ScenarioStruct, frozen=True, kw_only=True):
    """A Failover Plan of the site, as in the settings."""

    name: str
    title: str = ""
    type: Literal["regular", "planned", "force"] | None = None
    run_pitr: bool = True
    waves: tuple[ScenarioWave, ...]
    others: Literal["last", "refuse"] = "refuse"
    domains_at_once: int = 8
    patience: str = "5m"
    on_failure: Literal["go_on", "hold"] = "go_on"


class Scenario(ScenarioStruct, frozen=True, kw_only=True):
    """All of a training site. Times are aware UTC datetimes.

    `opens`: where the site's clock stands when it is first opened, `start` when not given; what
    befell the site before is history then.
    """

    name: str
    start: datetime
    title: str = ""
    description: str = ""
    opens: datetime | None = None
    link_bytes_per_s: int = 125_000_000
    seed: int = 0
    domains: tuple[ScenarioDomain, ...]
    faults: tuple[ScenarioFault, ...] = ()
    plans: tuple[ScenarioPlan, ...] = ()

    @property
    def first_instant(self) -> datetime:
        """The site's clock when it is first opened."""
        return self.start if self.opens is None else self.opens
