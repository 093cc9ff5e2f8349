"""Makes a VM's snapshots of the element that tells of them, without the objects of pyVmomi between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element

from drdeck.sites.vsphere.vcenter.update_parser import LOCAL_NAMES

from .inventory_facts import SnapshotFact


class SnapshotTree(NamedTuple):
    """A VM's snapshots, parents before children, and the id of the one that its disks stand on."""

    current: str | None
    snapshots: tuple[SnapshotFact, ...]


def snapshot_tree(element: Element) -> SnapshotTree:
    """The VirtualMachineSnapshotInfo of an element. Raises ValueError where it is not as documented."""
    current, roots = None, []
    for part in element:
        name = LOCAL_NAMES[part.tag]
        if name == "currentSnapshot":
            current = part.text
        elif name == "rootSnapshotList":
            roots.append(part)
    snapshots = []
    # by hand and not by recursion: a chain may be long
    open_nodes: list[tuple[Element, str | None]] = [(root, None) for root in reversed(roots)]
    while open_nodes:
        node, parent = open_nodes.pop()
        texts, children = {}, []
        for part in node:
            name = LOCAL_NAMES[part.tag]
            if name == "childSnapshotList":
                children.append(part)
            else:
                texts[name] = part.text or ""
        own = texts.get("snapshot", "")
        if not own or "createTime" not in texts:
            raise ValueError("a snapshot without its id or its time")
        snapshots.append(
            SnapshotFact(
                id=own,
                name=texts.get("name", ""),
                description=texts.get("description", ""),
                created=_instant(texts["createTime"]),
                parent_id=parent,
                memory=texts.get("state", "") == "poweredOn",
            )
        )
        open_nodes.extend((child, own) for child in reversed(children))
    return SnapshotTree(current, tuple(snapshots))


def _instant(text: str) -> datetime:
    """A time in UTC. Raises ValueError for one that Python's own reader may take for another one."""
    if len(text) < 19 or text[10:11] != "T" or text[4:5] != "-":
        raise ValueError(text)
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
