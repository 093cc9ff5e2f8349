"""`drdeck controller serve`, which dies where it is told to.

FAULTS_POINT is "before:N" or "after:N" (its Nth write of the journal), or "unsent:N" or "sent:N" (its
Nth changing call to a vCenter: before it leaves, or when its answer is there and nobody has seen it);
or with a method for N: its first such call.
FAULTS_STOP is "unsent:METHOD": there it is only stopped, the first time, until somebody wakes it up.
FAULTS_LOG is a file that gets a line for each of these as they pass.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drdeck.cli.root import run as drdeck
from drdeck.controller.journal.event_store import Entry, Journal
from drdeck.sites.vsphere.vcenter.transport import Stub, changing

_counts: dict[str, int] = {}
_lock = threading.Lock()


def passing(where: str, what: str) -> None:
    with _lock:
        _counts[where] = _counts.get(where, 0) + 1
        point = f"{where}:{_counts[where]}"
        file = os.environ.get("FAULTS_LOG")
        if file:
            with Path(file).open("a") as log:
                log.write(f"{point} {what}\n")
        if os.environ.get("FAULTS_POINT") in (point, f"{where}:{what}"):
            os.kill(os.getpid(), signal.SIGKILL)
    if f"{where}:{what}" == os.environ.get("FAULTS_STOP"):
        del os.environ["FAULTS_STOP"]
        # of all threads this one must not go on
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


append_all, invoke = Journal.append_all, Stub._invoke


def watched_append(self: Journal, entries: Sequence[Entry]) -> Any:
    for entry in entries:
        passing("before", entry.kind)
    events = append_all(self, entries)
    for entry in entries:
        passing("after", entry.kind)
    return events


def watched_invoke(self: Stub, mo: Any, info: Any, args: Any, outer: Any) -> Any:
    # a field is defined once in a vCenter, by whichever run is the first to need it
    if not changing(info.wsdlName) or info.wsdlName == "AddCustomFieldDef":
        return invoke(self, mo, info, args, outer)
    passing("unsent", info.wsdlName)
    answer = invoke(self, mo, info, args, outer)
    passing("sent", info.wsdlName)
    return answer


def run(arguments: list[str]) -> None:
    """drdeck with its points watched; ends this process."""
    Journal.append_all = watched_append  # type: ignore[method-assign]
    Stub._invoke = watched_invoke  # type: ignore[method-assign]
    sys.exit(drdeck(arguments))
