"""The settings file: read strictly, refused with file, line where known, key, and what would be right."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import msgspec

from drdeck import toml
from drdeck.files import Unreadable, read_text, refuse_strangers
from drdeck.model import keys as keyboard
from drdeck.model.domains import PitrPolicy
from drdeck.model.text import brief, clean, quoted
from drdeck.model.times import parse_duration, show_span

TRAINING = "training"
"""The site that is there without any settings."""
DEFAULT_SCENARIO = "ransomware"
TRAINING_SPEED = 10.0
"""Seconds of the built-in training site per second: waiting is part of the lesson, hours are not."""
LONGEST_WINDOW_S = 3660 * 86400.0
LONGEST_WAIT_S = 7 * 86400.0
LONGEST_NAME = 200
MOST_PATTERNS = 1_000
"""In the runbook of a domain; each is tried on each VM."""
SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class SettingsError(ValueError):
    """The settings cannot be used; the text is one sentence with place and remedy."""


class Duration(float):
    """Seconds, written like "15m" in the file."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables of the file."""


class ConsoleSettings(Strict, frozen=True, kw_only=True):
    """How the console looks. `keys`: action -> its key, instead of the one that it has."""

    theme: Literal["dark", "light", "ansi", "mono"] = "dark"
    ascii: Literal["auto", "always", "never"] = "auto"
    mouse: bool = False
    keys: dict[str, str] = {}


class PitrSettings(Strict, frozen=True, kw_only=True):
    enabled: bool = False
    window: Duration = Duration(3 * 86400)
    interval: Duration = Duration(15 * 60)

    def policy(self) -> PitrPolicy:
        return PitrPolicy(enabled=self.enabled, window_s=float(self.window), interval_s=float(self.interval))


class RunbookSettings(Strict, frozen=True, kw_only=True):
    """`vms` are shell patterns matched against VM names."""

    group: str
    vms: tuple[str, ...]
    delay_after: Duration = Duration(0)


class DomainSettings(Strict, frozen=True, kw_only=True):
    """`ready`: what makes a started VM count as recovered; `ready_timeout`: when to ask about it."""

    pitr: PitrSettings = PitrSettings()
    ready: Literal["power", "tools", "ip"] = "tools"
    ready_timeout: Duration = Duration(600)
    shutdown_timeout: Duration = Duration(300)
    prune: Literal["own", "all"] = "own"
    runbook: tuple[RunbookSettings, ...] = ()


class VCenterSettings(Strict, frozen=True, kw_only=True):
    """How to reach a vCenter. `root`: inventory path whose child folders are the Protected Domains."""

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

    parallel: int = 8
    lease: Duration = Duration(30)
    """how long a controller that falls silent is believed to drive a domain still"""
    protected: VCenterSettings | None = None
    domains: dict[str, Any] = {}
    """name -> DomainSettings once read"""

    def domain(self, name: str) -> DomainSettings:
        found = self.domains.get(name)
        return found if isinstance(found, DomainSettings) else DomainSettings()


class TrainingSettings(Strict, frozen=True, kw_only=True, tag_field="kind", tag="training"):
    """`scenario`: a shipped one or a path to a TOML file; `speed`: seconds of the site per second."""

    scenario: str = DEFAULT_SCENARIO
    speed: float = 1.0


class JetStreamSettings(Strict, frozen=True, kw_only=True, tag_field="kind", tag="jetstream"):
    """A management appliance, read through its one published call."""

    url: str
    vcenter: str
    domains: tuple[str, ...] = ()


SiteSettings = VSphereSettings | TrainingSettings | JetStreamSettings


def unchecked(site: SiteSettings) -> list[dict[str, str]]:
    """`url` and `of` (site, protected site) of each vCenter whose certificate is not checked."""
    if not isinstance(site, VSphereSettings):
        return []
    both = {"site": site, "protected site": site.protected}
    return [{"of": of, "url": v.url} for of, v in both.items() if v is not None and v.insecure]


_KINDS: dict[str, type[SiteSettings]] = {
    "vsphere": VSphereSettings,
    "training": TrainingSettings,
    "jetstream": JetStreamSettings,
}


class Settings(Strict, frozen=True, kw_only=True):
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
        known = ", ".join(sorted({*self.sites, TRAINING}))
        raise SettingsError(f'there is no site "{name}" in the settings; known sites: {known}')


def password_variable(site: str) -> str:
    """The environment variable that may hold a site's password."""
    return "DRDECK_PASSWORD_" + re.sub(r"[^A-Za-z0-9]", "_", site).upper()


_RIGHT = {
    "theme": "one of dark, light, ansi, mono",
    "ascii": "one of auto, always, never",
    "ready": "one of power, tools, ip",
    "prune": "one of own, all",
    "kind": "one of vsphere, training, jetstream",
    "mouse": "true or false",
    "keys": 'a table such as { sort = "o", doctor = "f9" }',
    "read_only": "true or false",
    "insecure": "true or false",
    "parallel": "a whole number from 1 to 64",
    "speed": "a number above 0, at most 100000",
    "password_command": 'a list of words such as ["pass", "show", "vcsa"]',
    "vms": 'a list of patterns such as ["erp-db*"]',
    "thumbprint": "the certificate's SHA-256, 32 pairs of hex digits with colons",
    "url": 'an address such as "https://vcsa.example/sdk"',
    "root": 'an inventory path such as "/DC0/vm/drdeck"',
}
_T = TypeVar("_T", bound=Strict)


def _convert_hook(kind: type, value: object) -> object:
    if kind is Duration:
        if not isinstance(value, str):
            raise ValueError(f"Expected a duration such as 30s, 15m, 2h or 3d, got {quoted(value)}")
        return Duration(parse_duration(value))
    raise ValueError(f"{quoted(value)} cannot be read")


class _Reader:
    """Turns parsed TOML into settings and knows where each key stands in the file."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self._text = file, text

    def fail(self, path: tuple[str, ...], what: str) -> SettingsError:
        lines = _key_lines(self._text)
        line = lines.get(path)
        if line is None and path[:2] == ("console", "keys"):
            line = lines.get(path[:2])  # the keys stand in one line
        place = f"{self.file}, line {line}" if line else str(self.file)
        keys = ".".join(brief(key) for key in path)
        return SettingsError(clean(f"{place}: {keys}: {what}" if path else f"{place}: {what}"))

    def table(self, kind: type[_T], data: Any, path: tuple[str, ...]) -> _T:
        if not isinstance(data, dict):
            raise self.fail(path, "must be a table")
        known = {f.encode_name for f in msgspec.structs.fields(kind)}
        tag = kind.__struct_config__.tag_field
        for key in data:
            if key not in known and key != tag:
                raise self.fail((*path, key), _unknown(key, known))
        try:
            return msgspec.convert(data, kind, dec_hook=_convert_hook, strict=True)
        except msgspec.ValidationError as error:
            raise self._explain(error, kind, path) from None

    def _explain(
        self, error: msgspec.ValidationError, kind: type[Strict], path: tuple[str, ...]
    ) -> SettingsError:
        text, _, where = str(error).partition(" - at ")
        keys = tuple(re.findall(r"[A-Za-z_]\w*", where.strip("`$")))
        unknown = re.search(r"unknown field `(.*)`", text, re.DOTALL)
        if unknown:
            known = _keys_of(kind, keys)
            return self.fail((*path, *keys, unknown[1]), _unknown(unknown[1], known))
        missing = re.search(r"required field `(\w+)`", text)
        if missing:
            right = _RIGHT.get(missing[1], "a value")
            return self.fail((*path, *keys), f'the key "{missing[1]}" is missing; it wants {right}')
        if keys and keys[-1] in _RIGHT:
            return self.fail((*path, *keys), f"{_plain(text)}; right would be {_RIGHT[keys[-1]]}")
        return self.fail((*path, *keys), _plain(text))


def _keys_of(kind: type[Strict], keys: tuple[str, ...]) -> set[str]:
    """Names that the table at `keys` inside `kind` knows."""
    at: Any = kind
    for key in keys:
        at = next((f.type for f in msgspec.structs.fields(at) if f.encode_name == key), None)
        inner = [a for a in get_args(at) if isinstance(a, type) and issubclass(a, Strict)]
        at = inner[0] if inner else at
        if not (isinstance(at, type) and issubclass(at, Strict)):
            return set()
    return {f.encode_name for f in msgspec.structs.fields(at)}


_QUOTED = re.compile(r"'(.{60,})'", re.DOTALL)


def _plain(text: str) -> str:
    text = _QUOTED.sub(lambda found: quoted(found[1]), text.replace("`", ""))
    return text[:1].lower() + text[1:]


def _unknown(key: str, known: set[str]) -> str:
    if "password" in key.lower() and key != "password_command":
        return (
            "drdeck keeps no password in a file; use password_command, the environment variable"
            " DRDECK_PASSWORD_<SITE>, or answer the prompt"
        )
    close = difflib.get_close_matches(key[:100], known, n=1)
    if close:
        return f'unknown key; "{close[0]}" would be right'
    return f"unknown key; known here: {', '.join(sorted(known))}"


_LONGEST = 1000
"""Characters of a line in which its key is looked for."""
_INLINE = re.compile(r"(?<!\w)([A-Za-z_]\w*)\s*=")
_PLAIN = re.compile(r"\[{1,2}([\w.-]+)\]{1,2}", re.ASCII)


def _key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Line of each key and table header, as far as a line-wise look can tell."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line[:_LONGEST].strip()
        try:
            if stripped.startswith("["):
                table = _path_of(stripped.split("#")[0] if '"' not in stripped else stripped)
                found.setdefault(table, number)
            elif "=" in stripped:
                key = stripped.split("=", 1)[0].strip()
                path = (*table, *_path_of(f"[{key}]"))
                found.setdefault(path, number)
                for inner in _INLINE.findall(stripped.split("=", 1)[1]):
                    found.setdefault((*path, inner), number)
        except tomllib.TOMLDecodeError:
            continue
    return found


def _path_of(header: str) -> tuple[str, ...]:
    plain = _PLAIN.fullmatch(header)
    if plain is not None:
        return tuple(plain[1].split("."))
    data: Any = tomllib.loads(header)
    path: list[str] = []
    while isinstance(data, dict | list) and data:
        if isinstance(data, list):
            data = data[0]
            continue
        key, data = next(iter(data.items()))
        path.append(key)
    return tuple(path)


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


def parse(text: str, file: Path) -> Settings:
    """Settings out of the text of a file. Raises SettingsError."""
    reader = _Reader(file, text)
    try:
        data = toml.parse(text)
    except toml.Impossible as error:
        raise reader.fail(tuple(map(str, error.place)), str(error)) from None
    except Unreadable as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    raw_sites = data.pop("sites", {})
    settings = reader.table(Settings, data, ())
    unusable = keyboard.wrong(settings.console.keys)
    if unusable is not None:
        raise reader.fail(("console", "keys", unusable[0]), unusable[1])
    if not isinstance(raw_sites, dict):
        raise reader.fail(("sites",), "must be tables such as [sites.dr-west]")
    sites = {name: _site(reader, name, raw) for name, raw in raw_sites.items()}
    settings = msgspec.structs.replace(settings, sites=sites)
    if settings.default_site not in sites and settings.default_site != TRAINING:
        known = ", ".join(sorted({*sites, TRAINING}))
        said = f'there is no site "{brief(settings.default_site)}"; known: {known}'
        raise reader.fail(("default_site",), said)
    return settings


def _site(reader: _Reader, name: str, raw: Any) -> SiteSettings:
    path = ("sites", name)
    if not SITE_NAME.fullmatch(name):
        raise reader.fail(path, "a site's name has letters, digits, '.', '_' and '-' only")
    if not isinstance(raw, dict):
        raise reader.fail(path, "must be a table")
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        said = "the key is missing" if kind is None else f"{quoted(kind)} is no kind of site"
        raise reader.fail((*path, "kind"), f"{said}; right would be {_RIGHT['kind']}")
    if kind == "vsphere":
        return _vsphere(reader, path, dict(raw))
    site = reader.table(_KINDS[kind], raw, path)
    if isinstance(site, TrainingSettings) and not 0 < site.speed <= 100_000:
        raise reader.fail((*path, "speed"), f"{site.speed} is not {_RIGHT['speed']}")
    if isinstance(site, JetStreamSettings):
        _url(reader, (*path, "url"), site.url)
    return site


def _vsphere(reader: _Reader, path: tuple[str, ...], raw: dict[str, Any]) -> VSphereSettings:
    raw_domains = raw.pop("domains", {})
    raw_protected = raw.pop("protected", None)
    site = reader.table(VSphereSettings, raw, path)
    _vcenter(reader, path, site)
    if not 1 <= site.parallel <= 64:
        raise reader.fail((*path, "parallel"), f"{site.parallel} is not {_RIGHT['parallel']}")
    _span(reader, (*path, "lease"), site.lease, 1, 3600)
    protected = None
    if raw_protected is not None:
        protected = reader.table(VCenterSettings, raw_protected, (*path, "protected"))
        _vcenter(reader, (*path, "protected"), protected)
    if not isinstance(raw_domains, dict):
        raise reader.fail((*path, "domains"), "must be tables, one for each domain")
    domains: dict[str, Any] = {}
    for name, data in raw_domains.items():
        here = (*path, "domains", name)
        domains[name] = reader.table(DomainSettings, data, here)
        _domain(reader, here, domains[name])
    return msgspec.structs.replace(site, protected=protected, domains=domains)


def _span(reader: _Reader, path: tuple[str, ...], length: float, least: float, most: float) -> None:
    if not least <= length <= most:
        raise reader.fail(path, f"must be from {show_span(least)} to {show_span(most)}")


def _domain(reader: _Reader, path: tuple[str, ...], domain: DomainSettings) -> None:
    _span(reader, (*path, "pitr", "window"), domain.pitr.window, 1, LONGEST_WINDOW_S)
    _span(reader, (*path, "pitr", "interval"), domain.pitr.interval, 1, LONGEST_WINDOW_S)
    if domain.pitr.interval > domain.pitr.window:
        raise reader.fail((*path, "pitr", "interval"), "the interval is longer than the window")
    _span(reader, (*path, "ready_timeout"), domain.ready_timeout, 0.001, LONGEST_WAIT_S)
    _span(reader, (*path, "shutdown_timeout"), domain.shutdown_timeout, 0, LONGEST_WAIT_S)
    for number, group in enumerate(domain.runbook):
        here = (*path, "runbook", str(number))
        _span(reader, (*here, "delay_after"), group.delay_after, 0, LONGEST_WAIT_S)
        if any(len(text) > LONGEST_NAME for text in (group.group, *group.vms)):
            raise reader.fail(here, f"a name or pattern has more than {LONGEST_NAME} characters")
    if sum(len(group.vms) for group in domain.runbook) > MOST_PATTERNS:
        raise reader.fail((*path, "runbook"), f"names more than {MOST_PATTERNS} VMs and patterns")
    groups = [group.group for group in domain.runbook]
    if len(groups) != len(set(groups)):
        raise reader.fail((*path, "runbook"), "two groups have the same name")


def _vcenter(reader: _Reader, path: tuple[str, ...], vcenter: VCenterSettings) -> None:
    _url(reader, (*path, "url"), vcenter.url)
    if not vcenter.root.startswith("/") or len(vcenter.root) < 2:
        raise reader.fail((*path, "root"), f"{quoted(vcenter.root)} is not {_RIGHT['root']}")
    if vcenter.thumbprint is not None:
        digits = vcenter.thumbprint.replace(":", "")
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
            raise reader.fail((*path, "thumbprint"), f"is not {_RIGHT['thumbprint']}")
    _span(reader, (*path, "timeout"), vcenter.timeout, 1, 3600)
    chosen = [k for k in ("ca_file", "thumbprint", "insecure") if getattr(vcenter, k)]
    if len(chosen) > 1:
        raise reader.fail((*path, chosen[1]), f"{' and '.join(chosen)} exclude each other; keep one")


def _url(reader: _Reader, path: tuple[str, ...], url: str) -> None:
    parts = re.fullmatch(r"https://(?:\[[0-9A-Fa-f:]+\]|[^\s/:@\[\]]{1,253})(?::(\d{1,5}))?(?:/\S*)?", url)
    if parts is None or int(parts[1] or 443) not in range(1, 65536) or len(url) > 2000:
        raise reader.fail(path, f"{quoted(url)} is not {_RIGHT['url']}")
