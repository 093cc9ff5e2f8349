"""What a vCenter is asked for: one filter for everything that is watched."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

_PC = vmodl.query.PropertyCollector

VM_PATHS = (
    "name", "parent", "runtime.powerState", "runtime.connectionState", "runtime.host", "config.template",
    "config.instanceUuid", "guest.toolsRunningStatus", "guest.ipAddress", "network", "datastore", "snapshot",
    "recentTask",
)  # fmt: skip
"""Whole `snapshot`, for its parts change together; of `guest` only parts, for as a whole it is large."""

GROWTH_PATHS = ("layoutEx.file", "layoutEx.snapshot")
"""Not `layoutEx.disk`, which is about the files that grow now, nor the time of the last look at them."""


def watch_spec(root: Any, view: Any, network_view: Any, fields: Any, growth: bool = True) -> Any:
    """A FilterSpec over the root folder, a view of what is below it, a view of networks, and `fields`.

    `fields` is the CustomFieldsManager; `growth`: with the sizes of disk files.
    """
    vm_paths = [*VM_PATHS, *(GROWTH_PATHS if growth else ())]
    tasks = _PC.TraversalSpec(type=vim.VirtualMachine, path="recentTask", skip=False)
    return _PC.FilterSpec(
        objectSet=[
            _PC.ObjectSpec(obj=root),
            _PC.ObjectSpec(obj=fields),
            _PC.ObjectSpec(obj=view, skip=True, selectSet=[_members(tasks)]),
            _PC.ObjectSpec(obj=network_view, skip=True, selectSet=[_members()]),
        ],
        propSet=[
            _PC.PropertySpec(type=vim.VirtualMachine, pathSet=vm_paths),
            _PC.PropertySpec(type=vim.Folder, pathSet=["name", "parent", "customValue"]),
            _PC.PropertySpec(type=vim.CustomFieldsManager, pathSet=["field"]),
            _PC.PropertySpec(type=vim.Network, pathSet=["name"]),
            _PC.PropertySpec(type=vim.dvs.DistributedVirtualPortgroup, pathSet=["tag"]),
            _PC.PropertySpec(type=vim.Task, pathSet=["info.state"]),
        ],
    )


def attribute_spec(root: Any, view: Any, fields: Any) -> Any:
    """A FilterSpec for the custom attributes of the root and all folders below it, with their names."""
    return _PC.FilterSpec(
        objectSet=[
            _PC.ObjectSpec(obj=fields),
            _PC.ObjectSpec(obj=root),
            _PC.ObjectSpec(obj=view, skip=True, selectSet=[_members()]),
        ],
        propSet=[
            _PC.PropertySpec(type=vim.CustomFieldsManager, pathSet=["field"]),
            _PC.PropertySpec(type=vim.Folder, pathSet=["customValue"]),
        ],
    )


def _members(*then: Any) -> Any:
    """From a view to what it shows, and from there on."""
    return _PC.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False, selectSet=list(then))
