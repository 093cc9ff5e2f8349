"""Counts the SOAP calls that pyVmomi makes in this process, by method name."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyVmomi import SoapStubAdapter


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
