"""Alarms of what may yet happen to the VMs of sessions that are active: DRS and scheduled tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from drdeck.model.alarms import Alarm, Severity

from .connection import Connection
from .facts import Inventory
from .hazards import foresee, hazards
from .post import Memory

FORESEE_S = 60.0
"""How often they are looked at while a session is active."""


class Foresight:
    """One alarm for each, for as long as it may happen. `root`: the site's; `now`: vCenter's clock."""

    def __init__(self, root: str, now: Callable[[], datetime]) -> None:
        self._root, self._now = root, now
        self._alarms: dict[str, dict[str, Alarm]] = {}
        """folder -> text -> alarm"""
        self._looked_s = -FORESEE_S

    @property
    def due_s(self) -> float:
        """Seconds until it is time to look again."""
        return self._looked_s + FORESEE_S - time.monotonic()

    def alarms(self, folder: str) -> tuple[Alarm, ...]:
        """Those of a domain's session."""
        return tuple(self._alarms.get(folder, {}).values())

    def forget_others(self, folders: Collection[str]) -> None:
        """Only these domains have a session now."""
        for folder in self._alarms.keys() - set(folders):
            del self._alarms[folder]

    async def look(
        self, sessions: Mapping[str, Memory], inventory: Inventory, connection: Connection
    ) -> bool:
        """Look, if it is time to, at the VMs of these sessions, by folder; whether it was."""
        new = any(folder not in self._alarms for folder in sessions)
        if not sessions or not (new or self.due_s <= 0):
            return False
        self._looked_s = time.monotonic()
        members = {vm for memory in sessions.values() for vm in memory.members}
        chosen = [vm for vm in inventory.vms.values() if vm.id in members]
        found = await foresee(connection, self._root, chosen)
        for folder in inventory.domains:
            memory = sessions.get(folder.id)
            if memory is None:
                continue
            before = self._alarms.get(folder.id, {})
            began = self._now() if before else memory.started
            vms = [vm for vm in inventory.vms_of(folder.id) if vm.id in memory.members]
            self._alarms[folder.id] = {
                hazard.text: before.get(hazard.text)
                or Alarm(time=began, severity=Severity.WARNING, vm=None, kind=hazard.kind, text=hazard.text)
                for hazard in hazards(found, inventory, folder, vms).warns
            }
        return True
