"""Keeps what a PropertyCollector tells: raw properties by object, brought up to date by its deltas."""

from __future__ import annotations

import re
from typing import Any

from drdeck.sites.vsphere.vcenter.properties import object_id

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

    def apply(self, update_set: Any) -> set[tuple[str, str]]:
        """Apply an UpdateSet; the (type, id) of every object in it. Raises UpdateContradiction."""
        entered: set[tuple[str, str]] = set()
        left: set[tuple[str, str]] = set()
        touched: set[tuple[str, str]] = set()
        for filter_update in update_set.filterSet or ():
            for update in filter_update.objectSet or ():
                key = (type(update.obj)._wsdlName, object_id(update.obj))
                touched.add(key)
                kind = str(update.kind)
                if kind == "leave":
                    left.add(key)
                    self.objects.get(key[0], {}).pop(key[1], None)
                    continue
                if kind == "enter":
                    entered.add(key)
                    self.objects.setdefault(key[0], {})[key[1]] = {}
                raw = self.objects.get(key[0], {}).get(key[1])
                if raw is None:
                    continue  # a change to what has just left
                for change in update.changeSet or ():
                    _change(raw, str(change.name), str(change.op), change.val)
        if entered & left:
            # moved between folders: not every server tells in which order it left and came
            raise UpdateContradiction(f"{len(entered & left)} objects both came and went")
        return touched


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
