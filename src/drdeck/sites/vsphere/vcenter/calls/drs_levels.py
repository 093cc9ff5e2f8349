"""Levels of DRS automation in a cluster (VMware's API reference: DrsBehavior, ClusterDrsVmConfigInfo)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from drdeck.sites.vsphere.vcenter.properties import object_id

AUTOMATED = "fullyAutomated"
"""DRS places VMs, starts them and moves them by itself."""


class DrsLevels(NamedTuple):
    """The level of a cluster, and `of_vms`, by id, those that have one of their own, "" where DRS leaves the
    VM alone. All empty where DRS is off."""

    enabled: bool = False
    cluster: str = ""
    of_vms: Mapping[str, str] = {}


def drs_levels(config: Any) -> DrsLevels:
    """The levels out of a cluster's `configurationEx`; None: DRS is off."""
    drs = config.drsConfig if config is not None else None
    if drs is None or not drs.enabled:
        return DrsLevels()
    level = str(drs.defaultVmBehavior or "")
    own = config.drsVmConfig or () if drs.enableVmBehaviorOverrides is not False else ()
    levels = {object_id(vm.key): str(vm.behavior or level) if vm.enabled is not False else "" for vm in own}
    return DrsLevels(True, level, levels)
