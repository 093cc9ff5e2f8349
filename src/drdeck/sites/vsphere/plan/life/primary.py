"""A domain whose primary site is this one: if it is protected from here, and its place on the way back."""

from __future__ import annotations

from datetime import datetime

from drdeck.model.facts.life_facts import WayBack
from drdeck.sites.vsphere.plan.domain_state import DomainState, ProtectedVms

from .release import missing

NOT_PROTECTED = "Running here, not protected"


def protected_elsewhere(s: DomainState) -> bool:
    """Tell whether the domain is replicated from here to the other side, as far as that can be seen.

    The settings name where it goes (`replicates_to`), and each VM there is off and has a point that is newer
    than the restore: nothing but points says to a vCenter that data comes.
    """
    restored, there = s.record.restored, s.protected
    if restored is None or not s.settings.replicates_to or there is None or there.lost or not there.vms:
        return False
    off = all(vm.power == "off" for vm in there.vms)
    return off and _in_step(there, restored.at) == len(there.vms)


def _in_step(there: ProtectedVms, since: datetime) -> int:
    """Number of the VMs at the other side that have a point from after an instant."""
    return sum(any(snapshot.created > since for snapshot in vm.snapshots) for vm in there.vms)


def way_back_of(s: DomainState) -> WayBack:
    """The domain's place on the way back."""
    record, there = s.record, s.protected
    release, restored = record.release, record.restored
    visible = there if there is not None and not there.lost else None
    since = restored.at if restored is not None else record.committed.at if record.committed else None
    return WayBack(
        owned_there=visible.owned if visible is not None else None,
        in_step=_in_step(visible, since) if visible is not None and since is not None else 0,
        there_total=len(visible.vms) if visible is not None else 0,
        releasing=release.by if release is not None else None,
        cleaning=release is not None and release.phase == "clean",
        missing=missing(s, release) if release is not None and release.phase == "wait" else {},
        restored_at=restored.at if restored is not None else None,
        restored_by=restored.by if restored is not None else None,
        replicates_to=s.settings.replicates_to,
        tool_page=s.settings.tool_page,
    )
