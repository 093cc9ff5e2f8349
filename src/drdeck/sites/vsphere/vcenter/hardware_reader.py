"""Makes a VM's hardware of the element that tells of it: what is asked of it, without the objects of pyVmomi.

A VM's devices are some 10 KiB and a hundred objects of the library; what is made here has the same names.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from pyVmomi import VmomiSupport, vim

from .update_parser import LOCAL_NAMES, XSI_TYPE

_NAMESPACE = "urn:vim25"


class ReadLabel(NamedTuple):
    """The name of a device, as people see it."""

    label: str


class ReadBacking(NamedTuple):
    """A device's backing; of a disk with the ones below it."""

    fileName: str
    parent: ReadBacking | None
    compatibilityMode: str
    diskMode: str
    sharing: str


class ReadDevice(NamedTuple):
    """A device; `kind` is the library's class for it."""

    kind: type
    key: int
    deviceInfo: ReadLabel | None
    backing: ReadBacking | None
    sharedBus: str


class ReadHardware(NamedTuple):
    """A VM's `config.hardware`, as far as drdeck asks of many at a time."""

    numCPU: int
    memoryMB: int
    device: tuple[ReadDevice, ...]


def is_a(device: Any, *kinds: type) -> bool:
    """True for a device of one of the library's kinds, whoever has read it."""
    return issubclass(device.kind if isinstance(device, ReadDevice) else type(device), kinds)


def is_card(name: str) -> bool:
    """True for a type of the schema that is a network card's; one that the library does not know is none."""
    try:
        return issubclass(_kind(name), vim.vm.device.VirtualEthernetCard)
    except KeyError:
        return False


def hardware(element: Element) -> ReadHardware:
    """The VirtualHardware of an element. Raises ValueError or KeyError where it is not as documented."""
    parts = _parts(element)
    devices = tuple(_device(part) for part in element if LOCAL_NAMES[part.tag] == "device")
    return ReadHardware(int(_text(parts, "numCPU")), int(_text(parts, "memoryMB")), devices)


@functools.cache
def _kind(name: str) -> type:
    """The library's class of a type of the schema. Raises KeyError for one that it does not know."""
    kind: type = VmomiSupport.GetWsdlType(_NAMESPACE, name)
    return kind


def _device(element: Element) -> ReadDevice:
    parts = _parts(element)
    info, backing = parts.get("deviceInfo"), parts.get("backing")
    return ReadDevice(
        _kind(element.attrib.get(XSI_TYPE, "VirtualDevice").rpartition(":")[2]),
        int(_text(parts, "key")),
        None if info is None else ReadLabel(_text(_parts(info), "label")),
        None if backing is None else _backing(backing),
        _text(parts, "sharedBus"),
    )


def _backing(element: Element) -> ReadBacking:
    """A backing with those below it, the lowest first: a chain may be long."""
    chain = [_parts(element)]
    while (below := chain[-1].get("parent")) is not None:
        chain.append(_parts(below))
    backing = None
    for parts in reversed(chain):
        names = ("compatibilityMode", "diskMode", "sharing")
        backing = ReadBacking(_text(parts, "fileName"), backing, *(_text(parts, name) for name in names))
    assert backing is not None
    return backing


def _parts(element: Element) -> dict[str, Element]:
    return {LOCAL_NAMES[part.tag]: part for part in element}


def _text(parts: dict[str, Element], name: str) -> str:
    part = parts.get(name)
    return "" if part is None else part.text or ""
