"""Parsed TOML turned into the tables of the settings, or refused with place, key, and what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from drdeck.model.life.clone_kinds import NOT_CUSTOMIZED
from drdeck.model.text import brief, clean, quoted
from drdeck.model.times import parse_duration

from .readiness import RIGHT_READINESS
from .settings import (
    NEVER,
    ColumnName,
    ConsoleSettings,
    DomainSettings,
    Duration,
    Limit,
    PitrSettings,
    PlacesSettings,
    PlanSettings,
    RunbookSettings,
    Settings,
    SettingsError,
    SettingsTable,
    TrainingSettings,
    ViewSettings,
    VSphereSettings,
)
from .toml_places import Place, line_of
from .toml_tables import alike, fault_of

RIGHT = {
    "theme": "one of dark, light, ansi, mono",
    "ascii": "one of auto, always, never",
    "columns": f"a list of columns, each one of {', '.join(get_args(ColumnName))}",
    "ready": RIGHT_READINESS,
    "ready_of": 'a table such as { "fw*" = "power" }',
    "replica_name": 'a name with {name} in it, such as "{name}_replica"',
    "replicas": 'a table such as { "db01" = "db01-dr" }',
    "subnet": 'a network such as "10.20.0.0/16"',
    "prune_also": 'a list of patterns such as ["HBR *"]',
    "kind": "one of vsphere, training, jetstream",
    "mouse": "true or false",
    "keys": 'a table such as { sort = "o", doctor = "f9" }',
    "read_only": "true or false",
    "insecure": "true or false",
    "tool": "one of manual, none",
    "tool_page": 'an address such as "https://replication.dr.example:9443/jobs"',
    "uuid_question": "one of moved, copied, ask",
    "networks": 'a table such as { "VM_3510" = "DRSeg" }',
    "parallel": "a whole number from 1 to 64",
    "speed": "a number above 0, at most 100000",
    "password_command": 'a list of words such as ["pass", "show", "vcsa"]',
    "vms": 'a list of patterns such as ["erp-db*"]',
    "thumbprint": "the certificate's SHA-256, 32 pairs of hex digits with colons",
    "url": 'an address such as "https://vcsa.example/sdk"',
    "root": 'an inventory path such as "/DC0/vm/drdeck"',
    "timestamp_unit": "one of s, ms, us, raw",
    "vcenter": 'the name of a vSphere site such as "dr-west", or a table with url, username and root',
    "waves": 'a list such as [{ name = "foundation", domains = ["ad-*", "pki"] }]',
    "gate": "one of settled, confirm",
    "per_host": "a whole number from 0 to 1000",
    "per_datastore": "a whole number from 0 to 1000",
    "power_on": "one of auto, single, group",
    "power_on_override": "one of manual, partiallyAutomated, fullyAutomated",
    "others": "one of last, refuse",
    "on_failure": "one of go_on, hold",
    "type": "one of force, regular, planned",
    "run_pitr": "true or false",
    "keep": "a whole number from 1 to 31 (vCenter's most snapshots of a VM is 32)",
    "domains_at_once": "a whole number from 1 to 64",
    "accounts": 'a list of vCenter accounts such as ["VSPHERE.LOCAL\\jetstream"]',
}
"""key -> the values that it takes"""
_T = TypeVar("_T", bound=SettingsTable)


def _convert_hook(kind: type, value: object) -> object:
    if kind is Duration:
        if not isinstance(value, str):
            raise ValueError(f"Expected a duration such as 30s, 15m, 2h or 3d, got {quoted(value)}")
        return Duration(parse_duration(value))
    if kind is Limit:
        if value == "never":
            return NEVER
        if not isinstance(value, str):
            raise ValueError(f'Expected "never" or a duration such as 10m, got {quoted(value)}')
        return Limit(parse_duration(value))
    raise ValueError(f"{quoted(value)} cannot be read")


class TableReader:
    """Turns parsed TOML into settings and knows where each key stands in the file."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self._text = file, text

    def fail(self, path: Place, what: str, at: Place | None = None) -> SettingsError:
        """The refusal of a key; `at`: its whole path, where `path` leaves out numbers of tables."""
        line = line_of(self._text, path if at is None else at)
        place = f"{self.file}, line {line}" if line else str(self.file)
        keys = ".".join(brief(str(key)) for key in path)
        return SettingsError(clean(f"{place}: {keys}: {what}" if path else f"{place}: {what}"))

    def table(self, kind: type[_T], data: Any, path: Place) -> _T:
        if not isinstance(data, dict):
            raise self.fail(path, "must be a table")
        names = _keys_of(kind, ())
        for key in data:
            if key not in names and key != kind.__struct_config__.tag_field:
                raise self.fail((*path, key), _unknown(key, names))
        try:
            return msgspec.convert(data, kind, dec_hook=_convert_hook, strict=True)
        except msgspec.ValidationError as error:
            raise self._explain(error, kind, path) from None

    def _explain(
        self, error: msgspec.ValidationError, kind: type[SettingsTable], path: Place
    ) -> SettingsError:
        fault = fault_of(str(error))
        keys = tuple(key for key in fault.path if isinstance(key, str))
        if fault.unknown is not None:
            what = _unknown(fault.unknown, _keys_of(kind, keys))
            keys, at = (*keys, fault.unknown), (*fault.path, fault.unknown)
            return self.fail((*path, *keys), what, (*path, *at))
        if fault.missing is not None:
            right = RIGHT.get(fault.missing, "a value")
            what = f'the key "{fault.missing}" is missing; it wants {right}'
        elif keys and keys[-1] in RIGHT:
            what = f"{_plain(fault.text)}; right would be {RIGHT[keys[-1]]}"
        else:
            what = _plain(fault.text)
        return self.fail((*path, *keys), what, (*path, *fault.path))


def _keys_of(kind: type[SettingsTable], keys: tuple[str, ...]) -> set[str]:
    """Names that the table at `keys` inside `kind` knows."""
    at: Any = kind
    for key in keys:
        at = next((f.type for f in msgspec.structs.fields(at) if f.encode_name == key), None)
        inner = [a for a in get_args(at) if isinstance(a, type) and issubclass(a, SettingsTable)]
        at = inner[0] if inner else at
        if not (isinstance(at, type) and issubclass(at, SettingsTable)):
            return set()
    return {f.encode_name for f in msgspec.structs.fields(at)}


_QUOTED = re.compile(r"'(.{60,})'", re.DOTALL)


def _plain(text: str) -> str:
    text = _QUOTED.sub(lambda match: quoted(match[1]), text.replace("`", ""))
    return text[:1].lower() + text[1:]


_NOT_SUPPORTED = {
    "customize": NOT_CUSTOMIZED,
    "customization": NOT_CUSTOMIZED,
    "in_test": (
        "not supported: drdeck runs no scripts in guests; a script of the guest's own can ask for"
        " guestinfo.DRDECK_TEST, which is 1 in a test"
    ),
}
"""Keys of what others have -> why it is not there, and what to do."""


def _unknown(key: str, names: set[str]) -> str:
    if "password" in key.lower() and key != "password_command":
        return (
            "drdeck keeps no password in a file; use password_command, the environment variable"
            " DRDECK_PASSWORD_<SITE>, or answer the prompt"
        )
    if key in _NOT_SUPPORTED:
        return _NOT_SUPPORTED[key]
    close = alike(key, names)
    if close:
        return f'unknown key; "{close}" would be right'
    table = _PLACES.get(key)
    if table is not None:
        return f"unknown key here; it belongs into {table}"
    return f"unknown key; known here: {', '.join(sorted(names))}"


def _places() -> dict[str, str]:
    """Key -> the table of the file in which it stands."""
    tables: dict[str, type[SettingsTable]] = {
        "the table [console]": ConsoleSettings,
        "a table [console.views.NAME]": ViewSettings,
        "a table [sites.NAME]": VSphereSettings,
        "a table [sites.NAME.domains.DOMAIN]": DomainSettings,
        "a table [[sites.NAME.domains.DOMAIN.runbook]]": RunbookSettings,
        "the key pitr of a domain": PitrSettings,
        "a table [sites.NAME] of kind training": TrainingSettings,
        "a table [sites.NAME.plans.PLAN]": PlanSettings,
        "a table [sites.NAME.places]": PlacesSettings,
        "the top of the file": Settings,
    }
    places: dict[str, str] = {}
    for table, kind in tables.items():
        for key in _keys_of(kind, ()):
            places.setdefault(key, table)
    return places


_PLACES = _places()
