"""A JSON schema of the settings file, for editors: made from the tables themselves, so that both agree."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from .settings import (
    DomainSettings,
    Duration,
    Limit,
    PlacesSettings,
    PlanSettings,
    Settings,
    SettingsTable,
    TrainingSettings,
    VSphereSettings,
)
from .settings_file import SITE_NAME
from .table_reader import RIGHT

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that editors of TOML (taplo, Even Better TOML) read."""
DURATION = r"^ *([0-9]+(\.[0-9]+)? *(ms|s|m|h|d|w) *)+$"
_REFINED: dict[str, dict[str, Any]] = {
    "url": {"pattern": "^https://"},
    "tool_page": {"pattern": "^(https://|$)"},
    "root": {"pattern": "^/."},
    "thumbprint": {"pattern": "^([0-9A-Fa-f]{2}:?){32}$"},
    "parallel": {"minimum": 1, "maximum": 64},
    "per_host": {"minimum": 0, "maximum": 1000},
    "per_datastore": {"minimum": 0, "maximum": 1000},
    "domains_at_once": {"minimum": 1, "maximum": 64},
    **{kind: {"minimum": 1, "maximum": 500} for kind in PlacesSettings.__struct_fields__},
    "speed": {"exclusiveMinimum": 0, "maximum": 100_000},
    "replica_name": {"pattern": r"\{name\}"},
    "sites": {"propertyNames": {"pattern": f"^{SITE_NAME.pattern}$"}},
}
"""key -> what its type does not say"""
_UNTYPED: dict[tuple[str, str], type[SettingsTable]] = {
    (VSphereSettings.__name__, "domains"): DomainSettings,
    (VSphereSettings.__name__, "plans"): PlanSettings,
    (TrainingSettings.__name__, "plans"): PlanSettings,
}
"""Tables that are read one by one, so that what is wrong with one names its domain."""


def settings_schema() -> dict[str, Any]:
    """The schema as a JSON document."""
    definitions: dict[str, Any] = {}
    _schema(inspect.type_info(Settings), definitions)
    root = definitions.pop(Settings.__name__)
    return {
        "$schema": DIALECT,
        "title": "drdeck settings",
        "definitions": dict(sorted(definitions.items())),
        **root,
    }


def _schema(kind: inspect.Type, definitions: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case inspect.StructType():
            return _reference(kind, definitions)
        case inspect.UnionType():
            choices = [_schema(k, definitions) for k in kind.types if not isinstance(k, inspect.NoneType)]
            return choices[0] if len(choices) == 1 else {"oneOf": choices}
        case inspect.DictType():
            return {"type": "object", "additionalProperties": _schema(kind.value_type, definitions)}
        case inspect.VarTupleType():
            return {"type": "array", "items": _schema(kind.item_type, definitions)}
        case inspect.LiteralType():
            return {"enum": list(kind.values)}
        case inspect.CustomType() if kind.cls is Duration:
            return {"type": "string", "pattern": DURATION, "description": 'a duration such as "15m"'}
        case inspect.CustomType() if kind.cls is Limit:
            return {"type": "string", "pattern": f"{DURATION}|^never$", "description": '"never" or "10m"'}
        case inspect.StrType():
            return {"type": "string"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer"}
        case inspect.FloatType():
            return {"type": "number"}
    raise TypeError(f"the settings have a type that the schema has no words for: {kind}")


def _reference(kind: inspect.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.cls.__name__
    if name not in definitions:
        definitions[name] = {}  # a table in itself ends here
        definitions[name] = _table(kind, definitions)
    return {"$ref": f"#/definitions/{name}"}


def _table(kind: inspect.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if kind.tag_field is not None:
        properties[kind.tag_field] = {"const": kind.tag}
    for field in kind.fields:
        properties[field.encode_name] = _property(kind.cls.__name__, field, definitions)
    required = [field.encode_name for field in kind.fields if field.required]
    return {
        "type": "object",
        "properties": properties,
        "required": [*([kind.tag_field] if kind.tag_field else []), *required],
        "additionalProperties": False,
    }


def _property(table: str, field: inspect.Field, definitions: dict[str, Any]) -> dict[str, Any]:
    name = field.encode_name
    untyped = _UNTYPED.get((table, name))
    if untyped is not None:
        inner = _schema(inspect.type_info(untyped), definitions)
        return {"type": "object", "additionalProperties": inner}
    schema = _schema(field.type, definitions)
    if "$ref" in schema:  # beside it nothing counts
        return schema
    right = {"description": RIGHT[name]} if name in RIGHT else {}
    return {**schema, **right, **_default(field), **_REFINED.get(name, {})}


def _default(field: inspect.Field) -> dict[str, Any]:
    default = field.default
    if default in (msgspec.NODEFAULT, None) or isinstance(default, Duration | SettingsTable):
        return {}
    return {"default": list(default) if isinstance(default, tuple) else default}
