"""vCenter's events, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyVmomi import vim

AT = datetime(2026, 1, 16, 22, 42, 7, 120000, tzinfo=UTC)


VM = vim.event.VmEventArgument(name="db01", vm=vim.VirtualMachine("vm-7"))


JOE = "CORP\\j.doe"


def event(kind: Any, **more: Any) -> Any:
    new_event = kind()
    for name, value in {"key": 7, "chainId": 5, "createdTime": AT, "userName": JOE, "vm": VM, **more}.items():
        setattr(new_event, name, value)
    return new_event
