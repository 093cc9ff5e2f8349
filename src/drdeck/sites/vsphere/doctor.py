"""What a doctor says of a vSphere site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pyVmomi import vim, vmodl

from drdeck.model.domains import Finding
from drdeck.settings import VSphereSettings
from drdeck.sites.site import SiteError

from .connection import Connection, Session
from .facts import Inventory
from .record import BrokenRecord, read
from .situation import Situation, matches

PRIVILEGES = (
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.State.CreateSnapshot",
    "VirtualMachine.State.RevertToSnapshot",
    "VirtualMachine.State.RemoveSnapshot",
    "VirtualMachine.Config.EditDevice",
    "Network.Assign",
    "Global.ManageCustomFields",
    "Global.SetCustomField",
)
"""The least that the acts of drdeck need on the root folder and below it."""
SKEW_WARN_S = 5.0


async def findings(
    settings: VSphereSettings,
    connection: Connection,
    inventory: Inventory | None,
    situations: Sequence[Situation],
    offset: timedelta,
) -> list[Finding]:
    """A line each: address, certificate, clock, privileges, domains, runbooks."""
    found = [Finding(level="ok", subject="site", text=f"{settings.url} answers as {settings.username}")]
    if settings.insecure:
        found.append(
            Finding(
                level="warn",
                subject="certificate",
                text="is not checked (insecure = true)",
                remedy="set ca_file or thumbprint",
            )
        )
    else:
        found.append(Finding(level="ok", subject="certificate", text="is verified"))
    found.append(_clock(offset))
    found.append(await _privileges(connection, inventory))
    found += _domains(settings, inventory)
    for situation in situations:
        found += _runbook(situation)
    return found


def _clock(offset: timedelta) -> Finding:
    skew = abs(offset.total_seconds())
    if skew > SKEW_WARN_S:
        return Finding(
            level="warn",
            subject="clock",
            text=f"differs from vCenter's by {skew:.0f} s; vCenter's counts",
            remedy="run NTP on both",
        )
    return Finding(level="ok", subject="clock", text=f"within {skew:.1f} s of vCenter's")


async def _privileges(connection: Connection, inventory: Inventory | None) -> Finding:
    if inventory is None:
        return Finding(level="warn", subject="privileges", text="not checked: the inventory was not seen yet")
    root = inventory.root.id

    def ask(session: Session) -> list[str]:
        manager = session.content.authorizationManager
        current: Any = session.content.sessionManager.currentSession
        answer = manager.HasPrivilegeOnEntities(
            entity=[vim.Folder(root, session.stub)], sessionId=current.key, privId=list(PRIVILEGES)
        )
        return [p.privId for entity in answer for p in entity.privAvailability if not p.isGranted]

    try:
        missing = await connection.command(ask, "check privileges")
    except (SiteError, vmodl.MethodFault) as error:
        return Finding(level="warn", subject="privileges", text=f"could not be checked: {error}")
    if missing:
        return Finding(
            level="fail",
            subject="privileges",
            text=f"missing on {inventory.root.name}: {', '.join(missing)}",
            remedy="have them granted on the root folder, propagating",
        )
    return Finding(level="ok", subject="privileges", text=f"all {len(PRIVILEGES)} on {inventory.root.name}")


def _domains(settings: VSphereSettings, inventory: Inventory | None) -> list[Finding]:
    if inventory is None:
        return []
    if not inventory.domains:
        return [
            Finding(
                level="warn",
                subject="domains",
                text=f"{inventory.root.name} has no folder in it",
                remedy="make a folder for each Protected Domain and move its replica VMs there",
            )
        ]
    found = [Finding(level="ok", subject="domains", text=f"{len(inventory.domains)} folders")]
    for folder in inventory.domains:
        try:
            read(folder.attributes)
        except BrokenRecord as error:
            found.append(Finding(level="fail", subject=f"domain {folder.name}", text=str(error)))
    there = {folder.name for folder in inventory.domains}
    for name in settings.domains:
        if name not in there:
            found.append(
                Finding(
                    level="warn",
                    subject=f"domain {name}",
                    text=f"is in the settings, but {inventory.root.name} has no folder of that name",
                    remedy="correct its name in the settings, or make the folder",
                )
            )
    return found


def _runbook(s: Situation) -> list[Finding]:
    found = []
    for group in s.settings.runbook:
        for pattern in group.vms:
            if not any(matches(vm.name, pattern) for vm in s.vms):
                found.append(
                    Finding(
                        level="warn",
                        subject=f"runbook of {s.name}",
                        text=f'the pattern "{pattern}" of group "{group.group}" matches no VM',
                        remedy="correct it in the settings",
                    )
                )
    return found
