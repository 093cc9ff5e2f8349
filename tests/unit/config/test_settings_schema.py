"""The schema for editors: it takes what drdeck takes, and refuses what drdeck refuses."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from drdeck.config.settings import SettingsError
from drdeck.config.settings_file import parse
from drdeck.config.settings_schema import settings_schema
from tests.support.whole_files import WHOLE_SETTINGS

TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
}  # fmt: skip


def wrong(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> str | None:
    """The first thing that JSON schema (draft 7) has against a value, as far as the schema uses it."""
    if "$ref" in schema:
        return wrong(value, root["definitions"][schema["$ref"].rpartition("/")[2]], root)
    if "oneOf" in schema:
        fits = [choice for choice in schema["oneOf"] if wrong(value, choice, root) is None]
        return None if len(fits) == 1 else f"{len(fits)} choices fit {value!r}"
    kind = TYPES.get(schema.get("type", ""))
    if kind is not None and (not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))):
        return f"{value!r} is no {schema['type']}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return f"{value!r} is none of the values"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return f"{value!r} does not match"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        return f"{value!r} is out of bounds"
    if isinstance(value, int | float) and value <= schema.get("exclusiveMinimum", value - 1):
        return f"{value!r} is too small"
    if isinstance(value, list):
        return next((w for v in value if (w := wrong(v, schema.get("items", {}), root))), None)
    return _wrong_table(value, schema, root) if isinstance(value, dict) else None


def _wrong_table(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> str | None:
    missing = [key for key in schema.get("required", ()) if key not in value]
    if missing:
        return f"{missing} missing"
    others, names = schema.get("additionalProperties", {}), schema.get("propertyNames", {})
    for key, inner in value.items():
        here = schema.get("properties", {}).get(key, others)
        if here is False:
            return f"{key} is unknown"
        problem = wrong(key, names, root) or wrong(inner, here, root)
        if problem:
            return f"{key}: {problem}"
    return None


def by_schema(text: str) -> str | None:
    schema = json.loads(json.dumps(settings_schema()))
    return wrong(tomllib.loads(text), schema, schema)


def test_it_takes_what_drdeck_takes() -> None:
    assert by_schema(WHOLE_SETTINGS) is None
    assert by_schema("") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("read_only = false", "read_only = 0"),
        ('theme = "dark"', 'theme = "pink"'),
        ('theme = "dark"', "teme = 3"),
        ('kind = "vsphere"', 'kind = "vmware"'),
        ('kind = "vsphere"\n', ""),
        ("https://vcsa.dr.example:443/sdk", "vcsa.dr.example"),
        ('username = "drdeck@vsphere.local"\npassword', "password"),
        ('root = "/DC0/vm/drdeck"', 'root = "drdeck"'),
        ("parallel = 8", "parallel = 0"),
        ("parallel = 8", "parallel = 8\npassword = 'x'"),
        ('window = "3d"', 'window = "3 dayz"'),
        ('window = "3d"', "window = 3"),
        ("enabled = true", "enabld = true"),
        ('vms = ["erp-db*"]', 'vms = "erp-db*"'),
        ('group = "database"\n', ""),
        ("speed = 60", "speed = -1"),
        ("[sites.lab]", '[sites."a b/c"]'),
    ],
)
def test_it_refuses_what_drdeck_refuses(old: str, new: str) -> None:
    assert old in WHOLE_SETTINGS
    text = WHOLE_SETTINGS.replace(old, new, 1)
    with pytest.raises(SettingsError):
        parse(text, Path("settings.toml"))
    assert by_schema(text) is not None


@pytest.mark.parametrize("window", ["90s", "15m", "1h30m", "1.5 h", "500ms", "2w", " 3d "])
def test_durations_are_the_same(window: str) -> None:
    text = WHOLE_SETTINGS.replace(
        'window = "3d", interval = "15m"', f'window = "{window}", interval = "{window}"'
    )
    try:
        parse(text, Path("settings.toml"))
    except SettingsError as error:
        assert "must be from" in str(error)  # a rule of sense, not of form
    assert by_schema(text) is None
