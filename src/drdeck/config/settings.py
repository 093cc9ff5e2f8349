"""The tables of the settings file, with their defaults."""

import hashlib
import re
import unicodedata
from typing import Any, Literal

import msgspec

from drdeck.model.domains import FailoverType, PitrPolicy
from drdeck.model.plans.failover_plan import (
    DOMAINS_AT_ONCE,
    PATIENCE_S,
    FailoverPlan,
    Gate,
    OnFailure,
    Others,
    Wave,
)
from drdeck.model.text import brief, composed, spelled_as

TRAINING = "training"
"""The site that is there without any settings."""
DEFAULT_SCENARIO = "ransomware"
TRAINING_SPEED = 10.0
"""Seconds of the built-in training site per second: waiting is part of the lesson, hours are not."""


class SettingsError(ValueError):
    """The settings cannot be used; the text is one sentence with place and remedy."""


class Duration(float):
    """Seconds, written like "15m" in the file."""


class Limit(Duration):
    """A duration, or "never", which is infinite."""


NEVER = Limit("inf")


class SettingsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables of the file."""


SiteColour = Literal["", "red", "green", "blue", "cyan", "white"]
"""Colours of a site; amber and magenta have a meaning of their own."""

TellOf = Literal["question", "session", "alarm", "unprotected"]
"""Events of which the terminal can be told."""


ColumnName = Literal[
    "mode", "VMs", "health", "RPO", "window", "good", "owner", "copy", "alarms", "session",
    "tested",
]  # fmt: skip
"""Columns of the list of domains."""


class ViewSettings(SettingsTable, frozen=True, kw_only=True):
    """A saved view of the list. `columns`: empty for the usual ones; `sort` too may be "name", or empty."""

    filter: str = ""
    sort: Literal["", "name"] | ColumnName = ""
    columns: tuple[ColumnName, ...] = ()


class ConsoleSettings(SettingsTable, frozen=True, kw_only=True):
    """Appearance of the console. `keys`: action -> its key, instead of the one that it has."""

    theme: Literal["dark", "light", "ansi", "mono"] = "dark"
    ascii: Literal["auto", "always", "never"] = "auto"
    mouse: bool = False
    keys: dict[str, str] = {}
    tell_by: Literal["none", "bell", "osc9", "osc777"] = "none"
    """how the terminal is told of what needs somebody"""
    tell: tuple[TellOf, ...] = ("question", "session", "alarm", "unprotected")
    tell_unprotected_after: Duration = Duration(1800)
    """a session that lasts longer is told once"""
    views: dict[str, ViewSettings] = {}
    """by the names under which the palette offers them"""


class PitrSettings(SettingsTable, frozen=True, kw_only=True):
    """Restore points of a domain. `keep`: group points kept per VM; `points_for`: so long after a failover or
    a session they are made. A chain of snapshots slows a running VM and fills its datastore: VMware advises
    against more than two or three of them, and against any for long (KB 318825), so both are bounded."""

    enabled: bool = False
    window: Duration = Duration(3 * 86400)
    interval: Duration = Duration(4 * 3600)
    keep: int = 6
    points_for: Duration = Duration(3 * 86400)

    def policy(self) -> PitrPolicy:
        return PitrPolicy(enabled=self.enabled, window_s=float(self.window), interval_s=float(self.interval))


class RunbookSettings(SettingsTable, frozen=True, kw_only=True):
    """A group of VMs that start together.

    `vms` are shell patterns matched against VM names; the rest is
    for this group only, and else as the domain has it."""

    group: str
    vms: tuple[str, ...]
    delay_after: Duration = Duration(0)
    shutdown_timeout: Duration | None = None
    power_off_after: Limit | None = None
    ready: str | None = None
    subnet: str | None = None


class DomainSettings(SettingsTable, frozen=True, kw_only=True):
    """A Protected Domain in the settings.

    `ready`: what makes a started VM count as recovered; `ready_timeout`: when to ask about it.
    """

    pitr: PitrSettings = PitrSettings()
    ready: str = "tools"
    """power, tools, ip, tcp:PORT or http:URL; readiness.py"""
    ready_of: dict[str, str] = {}
    """pattern of VM names -> what counts for these, such as appliances without VMware Tools"""
    subnet: str | None = None
    """where the addresses of its VMs are, "10.20.0.0/16"; others do not count"""
    ready_timeout: Duration = Duration(600)
    shutdown_timeout: Duration = Duration(300)
    power_off_after: Limit = NEVER
    """how long after a group's shutdown began those of its protected VMs that still run are powered off"""
    task_timeout: Duration = Duration(1800)
    """when to ask about a task of vCenter's that does not end"""
    undo: bool = True
    """a snapshot of each VM is made before its first power on, so that the failover can be undone"""
    start_protected: bool = False
    """an undo powers the VMs at the protected site on, once those here are off and as before"""
    replicates_to: str = ""
    """where its tool replicates it to once this site is its primary site; protected is said only with it"""
    prune_also: tuple[str, ...] = ()
    """patterns: snapshots of others that may be removed like drdeck's own"""
    tool: Literal["manual", "none"] | None = None
    """manual: a replication tool brings the data, whose jobs a person stops before the domain is taken; None:
    as the site has it"""
    tool_page: str = ""
    """address of the replication tool's page, which the way back names; empty: as the site has it"""
    replica_name: str = "{name}"
    """how the replica of the protected VM NAME is called"""
    replicas: dict[str, str] = {}
    """name of a protected VM -> of its replica, where no rule tells"""
    runbook: tuple[RunbookSettings, ...] = ()

    def replica_of(self, name: str) -> str:
        """The name of the replica of a protected VM."""
        own = self.replicas.get(spelled_as(name, tuple(self.replicas)))
        return own or self.replica_name.replace("{name}", name)

    def protected_name_of(self, replica: str) -> str:
        """The name of the protected VM whose replica has this name; the name itself where no rule made it."""
        own = next((name for name, here in self.replicas.items() if composed(here) == composed(replica)), "")
        before, _, after = self.replica_name.partition("{name}")
        if own or len(replica) <= len(before + after):
            return own or replica
        by_rule = replica.startswith(before) and replica.endswith(after)
        return replica.removeprefix(before).removesuffix(after) if by_rule else replica


class WaveSettings(SettingsTable, frozen=True, kw_only=True):
    """A wave of a failover plan in the settings.

    `domains`: shell patterns of names. `gate` "confirm": a person says when the wave begins.
    """

    name: str
    domains: tuple[str, ...]
    gate: Literal["settled", "confirm"] = "settled"


class PlanSettings(SettingsTable, frozen=True, kw_only=True):
    """A Failover Plan. `type` and `run_pitr` are preselected only."""

    title: str = ""
    type: Literal["force", "regular", "planned"] | None = None
    run_pitr: bool = True
    waves: tuple[WaveSettings, ...]
    others: Literal["last", "refuse"] = "refuse"
    domains_at_once: int = DOMAINS_AT_ONCE
    patience: Duration = Duration(PATIENCE_S)
    on_failure: Literal["go_on", "hold"] = "go_on"

    def plan(self, name: str) -> FailoverPlan:
        return FailoverPlan(
            name=name,
            title=self.title,
            type=None if self.type is None else FailoverType(self.type),
            run_pitr=self.run_pitr,
            waves=tuple(Wave(name=w.name, domains=w.domains, gate=Gate(w.gate)) for w in self.waves),
            others=Others(self.others),
            domains_at_once=self.domains_at_once,
            patience_s=float(self.patience),
            on_failure=OnFailure(self.on_failure),
        )


class PlacesSettings(SettingsTable, frozen=True, kw_only=True):
    """So many calls of a kind run at a time at the whole site, whatever the number of domains; `delete`:
    removals of snapshots on one datastore.

    The defaults are what a vCenter with a few hosts works through at once; SRM and Horizon ship such limits.
    """

    power_on: int = 20
    revert: int = 16
    snapshot: int = 16
    delete: int = 4
    shutdown: int = 30

    def of_calls(self) -> dict[str, int]:
        """Kind of call -> places at the whole site; removals are limited for each datastore instead."""
        limits = {name: getattr(self, name) for name in self.__struct_fields__}
        return {kind: most for kind, most in limits.items() if kind != "delete"}


class TrialSettings(SettingsTable, frozen=True, kw_only=True):
    """Test Failover at a vCenter. `folder`: inventory path of the folder of test VMs, outside the root;
    `network`: the isolated network, or protected network -> isolated one ("*": all others)."""

    folder: str
    network: str | dict[str, str]
    pool: str = ""
    """inventory path of the resource pool of test VMs; empty: that of each replica"""
    how: Literal["linked", "full", "tool"] = "linked"
    """only the first is supported: model/life/clone_kinds.py"""
    at_once: int = 4
    """clones that are made at a time"""
    space: str = "10%"
    """of each disk's size, that must be free before"""
    ends_after: Duration = Duration(4 * 3600)
    warn_after: Duration = Duration(2 * 3600)
    keep_running: int = 2
    """tests that may go on at a time"""
    prefix: str = "drdeck-test-"
    allow_connected: bool = False
    """a network with an uplink, or other VMs on it, is taken once the domain's name is typed"""
    auto_end: bool = False
    """a test that is overdue ends by itself, and what a tester has done in it is gone"""

    @property
    def networks(self) -> dict[str, str]:
        """Protected network -> isolated one; "*": all others."""
        return {"*": self.network} if isinstance(self.network, str) else self.network

    @property
    def share(self) -> float:
        """The part of each disk's size that must be free."""
        return float(self.space.rstrip("% ")) / 100


class VCenterSettings(SettingsTable, frozen=True, kw_only=True):
    """Connection to a vCenter. `root`: inventory path whose child folders are the Protected Domains."""

    url: str
    username: str
    root: str
    password_command: tuple[str, ...] = ()
    ca_file: str | None = None
    thumbprint: str | None = None
    insecure: bool = False
    timeout: Duration = Duration(60)


class VSphereSettings(VCenterSettings, frozen=True, kw_only=True, tag_field="kind", tag="vsphere"):
    """A recovery site that is a vCenter. `parallel`: VMs acted on at once."""

    label: str = ""
    """shown in place of the site's name"""
    colour: SiteColour = ""
    """of the label; so that the dangerous place is the loud one"""
    parallel: int = 8
    tool: Literal["manual", "none"] = "none"
    tool_page: str = ""
    uuid_question: Literal["moved", "copied", "ask"] = "ask"
    """what is answered by itself where vCenter asks whether a VM was moved or copied"""
    per_host: int = 0
    """calls that run at a time on the VMs of one host; 0: vCenter queues them itself"""
    per_datastore: int = 0
    power_on: Literal["auto", "single", "group"] = "auto"
    """group: VMs of clusters are started together, so that DRS places them; auto: where it starts them too"""
    power_on_override: Literal["", "manual", "partiallyAutomated", "fullyAutomated"] = ""
    """the automation level of such starts instead of the cluster's"""
    lease: Duration = Duration(30)
    """how long a controller that falls silent is believed to drive a domain still"""
    quiet_lease: Duration = Duration(1020)
    """the same while nothing goes on in a PITR session; vCenter keeps an event for each renewal"""
    protected: VCenterSettings | None = None
    networks: dict[str, str] = {}
    """protected network -> recovery network where nothing else is chosen; "*": all others"""
    domains: dict[str, Any] = {}
    """name -> DomainSettings once read"""
    plans: dict[str, Any] = {}
    """name -> PlanSettings once read"""
    places: PlacesSettings = PlacesSettings()
    test: TrialSettings | None = None

    def domain(self, name: str) -> DomainSettings:
        domain = self.domains.get(unicodedata.normalize("NFC", name))
        domain = domain if isinstance(domain, DomainSettings) else DomainSettings()
        tool, page = domain.tool or self.tool, domain.tool_page or self.tool_page
        if (tool, page) == (domain.tool, domain.tool_page):
            return domain
        return msgspec.structs.replace(domain, tool=tool, tool_page=page)


class TrainingSettings(SettingsTable, frozen=True, kw_only=True, tag_field="kind", tag="training"):
    """A training site in the settings.

    `scenario`: a shipped one or a path to a TOML file; `speed`: seconds of the site per second.
    """

    label: str = ""
    """shown in place of the site's name"""
    colour: SiteColour = ""
    """of the label; so that the dangerous place is the loud one"""
    scenario: str = DEFAULT_SCENARIO
    speed: float = 1.0
    networks: dict[str, str] = {}
    """as at a vSphere site"""
    plans: dict[str, Any] = {}
    """name -> PlanSettings once read"""


class JetStreamSettings(SettingsTable, frozen=True, kw_only=True, tag_field="kind", tag="jetstream"):
    """A management appliance, read through its one published call.

    `vcenter`: the vCenter whose session it takes, a table, or the name of a vSphere site in the same file;
    once read it is always the table. `domains`: the ids of the Protected Domains.
    """

    label: str = ""
    """shown in place of the site's name"""
    colour: SiteColour = ""
    """of the label; so that the dangerous place is the loud one"""
    url: str
    vcenter: str | VCenterSettings
    vcenter_site: str = ""
    """the vSphere site that `vcenter` named; empty: it is a table of its own. Set by the reader only"""
    domains: tuple[str, ...] = ()
    ca_file: str | None = None
    thumbprint: str | None = None
    insecure: bool = False
    timeout: Duration = Duration(10)
    poll: Duration = Duration(2)
    """between two questions about a domain while a PITR operation runs there, or somebody looks at it"""
    poll_idle: Duration = Duration(30)
    """the same else"""
    parallel: int = 8
    """domains asked about at once"""
    timestamp_unit: Literal["s", "ms", "us", "raw"] = "raw"
    """of the appliance's timestamps, whose unit is not published; raw: shown as they come"""
    accounts: tuple[str, ...] = ()
    """vCenter accounts of the appliance: what they do to VMs is no alarm"""

    @property
    def login(self) -> VCenterSettings:
        """The vCenter's table. Raises SettingsError where it was not read from a file."""
        if isinstance(self.vcenter, str):
            raise SettingsError(f'the vCenter of the site "{brief(self.vcenter)}" was not looked up')
        return self.vcenter


SiteSettings = VSphereSettings | TrainingSettings | JetStreamSettings


def failover_plans(site: SiteSettings) -> dict[str, FailoverPlan]:
    """The plans of a site by name, as the file has them."""
    tables = {} if isinstance(site, JetStreamSettings) else site.plans
    return {name: table.plan(name) for name, table in tables.items() if isinstance(table, PlanSettings)}


def settings_digest(site: SiteSettings) -> str:
    """A short word for what is set of a site, by which two processes see whether they read the same.

    Plans are not in it: the controller reads them anew for each run, and an edit is no reason to refuse the
    pause of one.
    """
    if not isinstance(site, JetStreamSettings):
        site = msgspec.structs.replace(site, plans={})
    return hashlib.sha256(repr(site).encode()).hexdigest()[:16]


def password_site(name: str, site: SiteSettings) -> str:
    """The name of the site whose password a site's login takes: another one's, where it names that."""
    return site.vcenter_site or name if isinstance(site, JetStreamSettings) else name


def unchecked(site: SiteSettings) -> list[dict[str, str]]:
    """`url` and `of` (site, protected site, appliance) of each server whose certificate is not checked."""
    both: dict[str, VCenterSettings | JetStreamSettings | None] = {}
    if isinstance(site, VSphereSettings):
        both = {"site": site, "protected site": site.protected}
    elif isinstance(site, JetStreamSettings):
        both = {"appliance": site, "vCenter": site.login}
    return [{"of": of, "url": v.url} for of, v in both.items() if v is not None and v.insecure]


class Settings(SettingsTable, frozen=True, kw_only=True):
    default_site: str = TRAINING
    read_only: bool = False
    console: ConsoleSettings = ConsoleSettings()
    sites: dict[str, SiteSettings] = {}

    def site(self, name: str) -> SiteSettings:
        """Raises SettingsError when there is no such site."""
        if name in self.sites:
            return self.sites[name]
        if name == TRAINING:
            return TrainingSettings(speed=TRAINING_SPEED)
        names = sorted({*self.sites, TRAINING})
        import difflib  # only what is refused needs it

        close = difflib.get_close_matches(name[:100], names, n=1)
        nearest = f'; "{close[0]}" is the nearest' if close else ""
        text = f'there is no site "{brief(name)}" in the settings{nearest}; known sites: {", ".join(names)}'
        raise SettingsError(text)


def password_variable(site: str) -> str:
    """The environment variable that may hold a site's password."""
    return "DRDECK_PASSWORD_" + re.sub(r"[^A-Za-z0-9]", "_", site).upper()
