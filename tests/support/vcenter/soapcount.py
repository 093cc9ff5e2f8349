"""Counts the SOAP calls that pyVmomi makes in this process by method name, and the objects that they read."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyVmomi import SoapStubAdapter, VmomiSupport

from drdeck.sites.vsphere.vcenter.update_parser import RetrieveParser, UpdateParser


@contextmanager
def soap_calls() -> Iterator[Counter[str]]:
    """Count while the block runs: `with soap_calls() as calls: ...; assert calls["Login"] == 1`."""
    calls: Counter[str] = Counter()
    lock = threading.Lock()
    # one step below InvokeMethod: every request passes here, whatever subclass of the adapter sends it
    original = SoapStubAdapter.SerializeRequest

    def counted(self: Any, mo: Any, info: Any, args: Any) -> Any:
        with lock:
            calls[info.wsdlName] += 1
        return original(self, mo, info, args)

    SoapStubAdapter.SerializeRequest = counted
    try:
        yield calls
    finally:
        SoapStubAdapter.SerializeRequest = original


@contextmanager
def library_objects() -> Iterator[Counter[str]]:
    """Count the objects of the library that are made while the block runs, in requests and of answers, by
    their type: "CustomFieldDef"."""
    objects: Counter[str] = Counter()
    original = VmomiSupport.DataObject.__init__

    def counted(self: Any, **fields: Any) -> None:
        objects[type(self)._wsdlName] += 1
        original(self, **fields)

    VmomiSupport.DataObject.__init__ = counted
    try:
        yield objects
    finally:
        VmomiSupport.DataObject.__init__ = original


@contextmanager
def answered_objects() -> Iterator[Counter[str]]:
    """Count the objects of all answers to RetrievePropertiesEx while the block runs, by their type."""
    objects: Counter[str] = Counter()
    original = SoapStubAdapter.InvokeMethod

    def counted(self: Any, mo: Any, info: Any, args: Any, outer: Any = None) -> Any:
        answer = original(self, mo, info, args, outer)
        if info.wsdlName == "RetrievePropertiesEx" and answer is not None:
            objects.update(type(content.obj).__name__.rpartition(".")[2] for content in answer.objects)
        return answer

    def read_aside(self: Any, take: Any, *more: Any) -> None:
        def taking(thing: Any, *changes: Any) -> None:
            objects[thing.kind] += 1
            take(thing, *changes)

        UpdateParser.__init__(self, taking, *more)

    SoapStubAdapter.InvokeMethod = counted
    RetrieveParser.__init__ = read_aside  # type: ignore[assignment, method-assign]
    try:
        yield objects
    finally:
        SoapStubAdapter.InvokeMethod = original
        del RetrieveParser.__init__
