"""Parser of WaitForUpdatesEx's answers that makes what is kept of them, and nothing else.

pyVmomi makes an object of every element of every answer; for a site of 10,000 VMs that is nearly all the time
that it takes to see it. Here the elements are the C library's, an object's are gone once it was taken, and
values of the few types that a VM's facts are made of become plain ones. Every other value is read by pyVmomi.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError, ParserCreate

from pyVmomi.SoapAdapter import SoapDeserializer

_PIECE = 65536
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TEXTS = frozenset(("string", "VirtualMachinePowerState", "VirtualMachineConnectionState", "TaskInfoState"))
_WHOLE_NUMBERS = frozenset(("byte", "short", "int", "long"))
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_NS_SEPARATOR = " "
_AROUND = frozenset(("Body", "returnval", "filterSet"))
"""What objects stand in, beside the response that is named after its method."""


class LocalNames(dict[str, str]):
    """Names of elements without their namespaces, by the names with them."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = sys.intern(tag[tag.rfind("}") + 1 :])
        return name


LOCAL_NAMES = LocalNames()
"""Those of the schema: there are some hundreds, whatever is read."""


class Reference(NamedTuple):
    """A managed object by its type and id, without a connection to ask it."""

    kind: str
    id: str

    def _GetMoId(self) -> str:
        return self.id


class PropertyUpdate(NamedTuple):
    """One change of a property: `op` is assign, add, remove or indirectRemove."""

    name: str
    op: str
    val: Any


Maker = Callable[[ElementTree.Element], Any]
"""Makes a value of an element; raises ValueError or KeyError for one that it does not know."""
Take = Callable[[Reference, str, list[PropertyUpdate]], None]
"""Takes one object's update: the object, its kind (enter, modify, leave), and the changes."""


class Readable(Protocol):
    """An answer that can be read in pieces."""

    def read(self, size: int = -1) -> bytes: ...


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: a quarter of the time of making a million objects that stay."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class UpdateParser:
    """Reads one answer of WaitForUpdatesEx. `version` stays empty where it has no update; `truncated`: there
    is more to ask for.

    `makers` make values of further types, by the types' names in VMware's schema. What neither these nor the
    parser knows is given to pyVmomi, whose references have `stub`.
    """

    object_name, value_name = "objectSet", "changeSet"

    def __init__(self, take: Take, makers: Mapping[str, Maker], stub: Any = None) -> None:
        self.version, self.truncated = "", False
        self.token = ""
        """of an answer of which more is to be asked for"""
        self.unauthenticated = False
        """there is no session any more, and therefore nothing in the answer"""
        self.by_library: list[str] = []
        """types of the values that pyVmomi read"""
        self.known_event: Callable[[str], bool] = lambda key: False
        """tells by its key whether an event was taken before, and need not be read again"""
        self.wanted_device: Callable[[str], bool] = lambda kind: True
        """tells by its type, a name of the schema, whether a VM's device is read; others are left out"""
        self._take, self._makers, self._stub = take, makers, stub
        self._prefixes: dict[str | None, list[str]] = {}
        self._references: dict[tuple[str, str], Reference] = {}

    def read(self, answer: Readable) -> None:
        """Read all of it. Raises ExpatError for what is no XML."""
        # an event for each element would take as long as all that is made of them: the tree is looked at
        # while it grows instead
        tree = ElementTree.TreeBuilder()
        parser: Any = ElementTree.XMLPullParser(("start-ns",), _parser=ElementTree.XMLParser(target=tree))
        try:
            while data := answer.read(_PIECE):
                parser.feed(data)
                self._follow(parser, tree, False)
            parser.close()
            self._follow(parser, tree, True)
        except ElementTree.ParseError as error:
            raise ExpatError(str(error)) from error

    def _follow(self, parser: Any, tree: Any, ended: bool) -> None:
        for _, (prefix, name) in parser.read_events():
            self._prefixes[prefix or None] = [name]
        envelope = tree.close()  # as far as it has come
        if envelope is not None:
            self._take_objects(envelope, ended)

    def _take_objects(self, element: ElementTree.Element, ended: bool) -> None:
        """Take the objects in an element out of it. What stands last in one that has not ended may grow."""
        names, last = LOCAL_NAMES, len(element) - 1
        for number, part in enumerate(list(element)):
            name, whole = names[part.tag], ended or number < last
            if name == self.object_name:
                if whole:
                    self._object(part)
                    element.remove(part)
            elif name in _AROUND or name.endswith("Response"):
                self._take_objects(part, whole)
                if whole and name == "returnval":
                    self._end(part)

    def _end(self, answer: ElementTree.Element) -> None:
        for part in answer:
            name = LOCAL_NAMES[part.tag]
            if name == "version":
                self.version = part.text or ""
            elif name == "truncated":
                self.truncated = _TRUTH.get((part.text or "").strip().lower(), False)
            elif name == "token":
                self.token = part.text or ""

    def _object(self, element: ElementTree.Element) -> None:
        kind, thing, changes, names = "", None, [], LOCAL_NAMES
        for part in element:
            name = names[part.tag]
            if name == self.value_name:
                changes.append(self._change(part))
            elif name == "obj":
                thing = self.reference(part)
            elif name == "kind":
                kind = part.text or ""
            elif name == "missingSet":
                types = (inner.attrib.get(XSI_TYPE, "") for inner in part.iter())
                self.unauthenticated |= any(t.endswith("NotAuthenticated") for t in types)
        if thing is None:
            raise ExpatError("an update without its object")
        self._take(thing, kind, changes)

    def _change(self, element: ElementTree.Element) -> PropertyUpdate:
        path, op, value, names = "", "", None, LOCAL_NAMES
        for part in element:
            name = names[part.tag]
            if name == "val":
                value = self.value(part)
            elif name == "name":
                path = sys.intern(part.text or "")
            elif name == "op":
                op = sys.intern(part.text or "")
        return PropertyUpdate(path, op, value)

    def reference(self, element: ElementTree.Element) -> Reference:
        """The managed object that an element names; one object for all that name it."""
        key = element.attrib["type"].rpartition(":")[2], element.text or ""
        reference = self._references.get(key)
        if reference is None:
            reference = self._references[key] = Reference(sys.intern(key[0]), key[1])
        return reference

    def value(self, element: ElementTree.Element) -> Any:
        """The value of an element of any type. Raises what pyVmomi raises for one that it does not know."""
        kind = element.attrib.get(XSI_TYPE, "").rpartition(":")[2]
        if kind in _TEXTS:
            return element.text or ""
        try:
            if kind == "ManagedObjectReference":
                return self.reference(element)
            if kind == "ArrayOfManagedObjectReference":
                return [self.reference(part) for part in element]
            if kind == "boolean":
                return _TRUTH[(element.text or "").lower()]
            if kind in _WHOLE_NUMBERS:
                return int(element.text or "")
            maker = self._makers.get(kind)
            if maker is not None:
                return maker(element)
        except (KeyError, ValueError):
            pass
        self.by_library.append(kind)
        if kind == "ArrayOfEvent":
            for event in [part for part in element if self._is_known(part)]:
                element.remove(event)
        elif kind == "ArrayOfVirtualDevice":
            kinds = {device: device.attrib.get(XSI_TYPE, "").rpartition(":")[2] for device in element}
            for device in [device for device, own in kinds.items() if not self.wanted_device(own)]:
                element.remove(device)
        return self._as_library_reads(element)

    def _is_known(self, event: ElementTree.Element) -> bool:
        key = next((part.text for part in event if LOCAL_NAMES[part.tag] == "key"), None)
        return key is not None and self.known_event(key)

    def _as_library_reads(self, element: ElementTree.Element) -> Any:
        tail, element.tail = element.tail, None
        text = ElementTree.tostring(element)
        element.tail = tail
        parser = ParserCreate(namespace_separator=_NS_SEPARATOR)
        parser.buffer_text = True
        reader = SoapDeserializer(self._stub)
        # the prefixes in use here, for they are named in values too: xsi:type="xsd:string"
        reader.Deserialize(parser, object, False, {k: list(v) for k, v in self._prefixes.items()})
        parser.Parse(text, True)
        return reader.GetResult()


class RetrieveParser(UpdateParser):
    """Reads one answer of RetrievePropertiesEx or of its continuation, which has `token` while there is more.
    Objects are taken without a kind of update."""

    object_name, value_name = "objects", "propSet"
