"""Keeps what a PropertyCollector tells: raw properties by object, brought up to date by its deltas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from drdeck.sites.vsphere.vcenter.properties import object_id
from drdeck.sites.vsphere.vcenter.update_parser import PropertyUpdate, Reference

_ELEMENT = re.compile(r'(?P<path>.+)\["?(?P<key>[^"\]]+)"?\]')


class UpdateContradiction(Exception):
    """An update set cannot be applied with certainty: everything must be read anew."""


class PropertyCache:
    """Raw property values by type ("VirtualMachine") and object id."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """All objects of a type: id -> property path -> value; unset properties are absent."""
        return self.objects.get(kind, {})

    def begin(self) -> UpdateRound:
        """The taking of one answer, object by object."""
        return UpdateRound(self.objects)


class UpdateRound:
    """One answer, applied object by object as they are read. `touched`: the (type, id) of every one."""

    def __init__(self, objects: dict[str, dict[str, dict[str, Any]]]) -> None:
        self.touched: set[tuple[str, str]] = set()
        self._objects = objects
        self._entered: set[tuple[str, str]] = set()
        self._left: set[tuple[str, str]] = set()

    def take(self, thing: Reference, kind: str, changes: Sequence[PropertyUpdate]) -> None:
        """Apply what is told of one object; `kind`: enter, modify, leave."""
        key = (thing.kind, thing.id)
        self.touched.add(key)
        objects = self._objects.setdefault(thing.kind, {})
        if kind == "leave":
            self._left.add(key)
            objects.pop(thing.id, None)
            return
        if kind == "enter":
            self._entered.add(key)
            objects[thing.id] = {}
            if all(change.op == "assign" for change in changes):  # nearly always, and then it is quick
                objects[thing.id] = {c.name: c.val for c in changes if c.val is not None}
                return
        raw = objects.get(thing.id)
        if raw is None:
            return  # a change to what has just left
        for change in changes:
            _change(raw, change.name, change.op, change.val)

    def end(self) -> set[tuple[str, str]]:
        """All was read; what was touched. Raises UpdateContradiction."""
        both = self._entered & self._left
        if both:
            # moved between folders: not every server tells in which order it left and came
            raise UpdateContradiction(f"{len(both)} objects both came and went")
        return self.touched


def _change(raw: dict[str, Any], name: str, op: str, value: Any) -> None:
    """One PropertyChange. Paths are those asked for, an element of one, or a part above or below one."""
    if op == "assign":
        _forget_below(raw, name)
        if value is None:
            raw.pop(name, None)
        else:
            raw[name] = value
        return
    element = _ELEMENT.fullmatch(name)
    if op == "add":
        path = element["path"] if element else name
        # a list of ours, for the one in the answer is shared with whoever looked before
        raw[path] = [*raw.get(path, ()), value]
        return
    if element is None:  # remove, indirectRemove: it, or what holds it, is unset
        raw.pop(name, None)
        _forget_below(raw, name)
        return
    raw[element["path"]] = [x for x in raw.get(element["path"], ()) if _element_key(x) != element["key"]]


def _forget_below(raw: dict[str, Any], name: str) -> None:
    for path in [path for path in raw if path.startswith(name + ".")]:
        del raw[path]


def _element_key(element: Any) -> str:
    if hasattr(element, "_GetMoId"):
        return object_id(element)
    return str(getattr(element, "key", element))
