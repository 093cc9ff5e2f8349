"""The settings file: found, read, and held to the rules that its tables alone do not say."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

from drdeck.model.text import brief, quoted
from drdeck.private_files import Unreadable, read_text, refuse_strangers

from . import key_names as keyboard
from . import toml_reader
from .appliance_site import appliance_site, with_vcenter
from .backup_names import backup_name
from .plan_reader import check_places, read_plans
from .readiness import parse_readiness, parse_subnet
from .server_checks import check_url, network_names, no_control_characters, span, vcenter_checked
from .settings import (
    NEVER,
    TRAINING,
    DomainSettings,
    JetStreamSettings,
    Settings,
    SettingsError,
    SiteSettings,
    TrainingSettings,
    VCenterSettings,
    ViewSettings,
    VSphereSettings,
)
from .table_reader import RIGHT, TableReader
from .toml_places import Place
from .trial_checks import check_trial

LONGEST_WINDOW_S = 3660 * 86400.0
MOST_POINTS = 31
LONGEST_WAIT_S = 7 * 86400.0
LONGEST_NAME = 200
MOST_PATTERNS = 1_000
"""In the runbook of a domain; each is tried on each VM."""
SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_KINDS: dict[str, type[SiteSettings]] = {
    "vsphere": VSphereSettings,
    "training": TrainingSettings,
    "jetstream": JetStreamSettings,
}


def load(file: Path, required: bool = False) -> Settings:
    """Read the settings file; without one (and not `required`) the defaults. Raises SettingsError.

    A file that names a vCenter says where passwords go and what command gives them: others must not write it.
    """
    try:
        text = read_text(file)
    except FileNotFoundError:
        if required:
            raise SettingsError(f"{file}: there is no such settings file") from None
        return Settings()
    except Unreadable as error:
        raise SettingsError(f"{file}: {error}") from None
    settings = parse(text, file)
    if any(not isinstance(site, TrainingSettings) for site in settings.sites.values()):
        try:
            refuse_strangers(file)
        except OSError as error:
            raise SettingsError(f"{file}: {error.strerror or error}") from None
    return settings


def _check_views(reader: TableReader, console: Any) -> None:
    """Read each view by itself: a fault in one is told with its name. Raises SettingsError."""
    views = console.get("views") if isinstance(console, dict) else None
    for name, view in (views if isinstance(views, dict) else {}).items():
        reader.table(ViewSettings, view, ("console", "views", name))


def parse(text: str, file: Path) -> Settings:
    """Settings out of the text of a file. Raises SettingsError."""
    reader = TableReader(file, text)
    try:
        data = toml_reader.parse(text)
    except toml_reader.Impossible as error:
        raise reader.fail(error.place, str(error)) from None
    except Unreadable as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    raw_sites = data.pop("sites", {})
    _check_views(reader, data.get("console"))
    settings = reader.table(Settings, data, ())
    unusable = keyboard.wrong(settings.console.keys)
    if unusable is not None:
        raise reader.fail(("console", "keys", unusable[0]), unusable[1])
    if not isinstance(raw_sites, dict):
        raise reader.fail(("sites",), "must be tables such as [sites.dr-west]")
    sites = {name: _site(reader, name, raw) for name, raw in raw_sites.items()}
    sites = {name: with_vcenter(reader, name, site, sites) for name, site in sites.items()}
    settings = msgspec.structs.replace(settings, sites=sites)
    if settings.default_site not in sites and settings.default_site != TRAINING:
        names = ", ".join(sorted({*sites, TRAINING}))
        text = f'there is no site "{brief(settings.default_site)}"; known: {names}'
        raise reader.fail(("default_site",), text)
    return settings


def _site(reader: TableReader, name: str, raw: Any) -> SiteSettings:
    path = ("sites", name)
    if not SITE_NAME.fullmatch(name):
        raise reader.fail(path, "a site's name has letters, digits, '.', '_' and '-' only")
    if not isinstance(raw, dict):
        raise reader.fail(path, "must be a table")
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        fault = "the key is missing" if kind is None else f"{quoted(kind)} is no kind of site"
        raise reader.fail((*path, "kind"), f"{fault}; right would be {RIGHT['kind']}")
    if kind == "vsphere":
        return _vsphere(reader, path, dict(raw))
    if kind == "jetstream":
        return appliance_site(reader, path, dict(raw))
    tables = dict(raw)
    raw_plans = tables.pop("plans", {})
    site = reader.table(TrainingSettings, tables, path)
    if not 0 < site.speed <= 100_000:
        raise reader.fail((*path, "speed"), f"{site.speed} is not {RIGHT['speed']}")
    network_names(reader, (*path, "networks"), site.networks)
    return msgspec.structs.replace(site, plans=read_plans(reader, path, raw_plans, SITE_NAME.pattern))


def _vsphere(reader: TableReader, path: Place, raw: dict[str, Any]) -> VSphereSettings:
    raw_domains = raw.pop("domains", {})
    raw_protected = raw.pop("protected", None)
    plans = read_plans(reader, path, raw.pop("plans", {}), SITE_NAME.pattern)
    site = vcenter_checked(reader, path, reader.table(VSphereSettings, raw, path))
    for key, limit in (("per_host", site.per_host), ("per_datastore", site.per_datastore)):
        if not 0 <= limit <= 1000:
            raise reader.fail((*path, key), f"{limit} is not {RIGHT[key]}")
    if not 1 <= site.parallel <= 64:
        raise reader.fail((*path, "parallel"), f"{site.parallel} is not {RIGHT['parallel']}")
    span(reader, (*path, "lease"), site.lease, 1, 3600)
    network_names(reader, (*path, "networks"), site.networks)
    check_places(reader, path, site.places)
    check_trial(reader, (*path, "test"), site)
    span(reader, (*path, "quiet_lease"), site.quiet_lease, 1, 86_400)
    protected = None
    if raw_protected is not None:
        here = (*path, "protected")
        protected = vcenter_checked(reader, here, reader.table(VCenterSettings, raw_protected, here))
    if not isinstance(raw_domains, dict):
        raise reader.fail((*path, "domains"), "must be tables, one for each domain")
    domains: dict[str, Any] = {}
    for name, data in raw_domains.items():
        here = (*path, "domains", name)
        no_control_characters(reader, here, name)
        domains[name] = reader.table(DomainSettings, _without_prune(reader, here, data), here)
        _domain(reader, here, domains[name])
    if site.tool_page:
        check_url(reader, (*path, "tool_page"), site.tool_page)
    # compared as people see them: one letter may be written as one character, or as two
    named = {unicodedata.normalize("NFC", name): domain for name, domain in domains.items()}
    return msgspec.structs.replace(site, protected=protected, domains=named, plans=plans)


def _without_prune(reader: TableReader, path: Place, data: Any) -> Any:
    """A domain's table without the key `prune` of earlier versions, whose "own" is all that there is now."""
    if not isinstance(data, dict) or "prune" not in data:
        return data
    if data["prune"] != "own":
        raise reader.fail(
            (*path, "prune"),
            "drdeck removes no points of others unasked any more; name those that it may remove, such as"
            ' prune_also = ["HBR *"]',
        )
    return {key: value for key, value in data.items() if key != "prune"}


def _readiness(
    reader: TableReader, path: Place, ready: str | None, subnet: str | None, whose: str = ""
) -> None:
    """Refuse a readiness or a subnet that cannot be."""
    if ready is not None:
        try:
            parse_readiness(ready)
        except ValueError as error:
            key = path if whose else (*path, "ready")
            raise reader.fail(key, f"{whose}{quoted(ready)} is not {error}") from None
    if subnet is not None:
        try:
            parse_subnet(subnet)
        except ValueError as error:
            raise reader.fail((*path, "subnet"), f"{error}; right would be {RIGHT['subnet']}") from None


def _domain(reader: TableReader, path: Place, domain: DomainSettings) -> None:
    if domain.tool_page:
        check_url(reader, (*path, "tool_page"), domain.tool_page)
    span(reader, (*path, "pitr", "window"), domain.pitr.window, 1, LONGEST_WINDOW_S)
    span(reader, (*path, "pitr", "interval"), domain.pitr.interval, 1, LONGEST_WINDOW_S)
    span(reader, (*path, "pitr", "points_for"), domain.pitr.points_for, 0, LONGEST_WINDOW_S)
    if not 1 <= domain.pitr.keep <= MOST_POINTS:
        raise reader.fail((*path, "pitr", "keep"), f"{domain.pitr.keep} is not {RIGHT['keep']}")
    for pattern in domain.prune_also:
        if (tool := backup_name(pattern)) is not None:
            raise reader.fail(
                (*path, "prune_also"),
                f'{quoted(pattern)} would match "{tool}", which a backup or replication tool works with; name'
                " the points more closely",
            )
    if "{name}" not in domain.replica_name:
        text = f"{quoted(domain.replica_name)} is not {RIGHT['replica_name']}"
        raise reader.fail((*path, "replica_name"), text)
    _readiness(reader, path, domain.ready, domain.subnet)
    for pattern, text in domain.ready_of.items():
        _readiness(reader, (*path, "ready_of"), text, None, f'of "{brief(pattern)}": ')
    for number, group in enumerate(domain.runbook):
        _readiness(reader, (*path, "runbook", number), group.ready, group.subnet)
    if domain.pitr.interval > domain.pitr.window:
        raise reader.fail((*path, "pitr", "interval"), "the interval is longer than the window")
    span(reader, (*path, "ready_timeout"), domain.ready_timeout, 0.001, LONGEST_WAIT_S)
    span(reader, (*path, "shutdown_timeout"), domain.shutdown_timeout, 0, LONGEST_WAIT_S)
    if domain.power_off_after != NEVER:
        span(reader, (*path, "power_off_after"), domain.power_off_after, 0, LONGEST_WAIT_S)
    span(reader, (*path, "task_timeout"), domain.task_timeout, 0.001, LONGEST_WAIT_S)
    for number, group in enumerate(domain.runbook):
        here = (*path, "runbook", number)
        span(reader, (*here, "delay_after"), group.delay_after, 0, LONGEST_WAIT_S)
        if group.shutdown_timeout is not None:
            span(reader, (*here, "shutdown_timeout"), group.shutdown_timeout, 0, LONGEST_WAIT_S)
        if group.power_off_after is not None and group.power_off_after != NEVER:
            span(reader, (*here, "power_off_after"), group.power_off_after, 0, LONGEST_WAIT_S)
        if any(len(text) > LONGEST_NAME for text in (group.group, *group.vms)):
            raise reader.fail(here, f"a name or pattern has more than {LONGEST_NAME} characters")
    if sum(len(group.vms) for group in domain.runbook) > MOST_PATTERNS:
        raise reader.fail((*path, "runbook"), f"names more than {MOST_PATTERNS} VMs and patterns")
    groups = [group.group for group in domain.runbook]
    if len(groups) != len(set(groups)):
        raise reader.fail((*path, "runbook"), "two groups have the same name")
