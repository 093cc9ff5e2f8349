"""A domain before its VMs were read: what its record tells, and nothing that VMs decide."""

from __future__ import annotations

from drdeck.model.domains import Domain, Mode, Owner, PitrPolicy, Session
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts
from drdeck.sites.vsphere.record.domain_record import Record

STARTED = "Rehydration"
"""The state of a domain of which the VMs tell whether it is synchronised."""


def unread_domain(
    folder: FolderFacts, record: Record, policy: PitrPolicy, addresses: tuple[str, str]
) -> Domain:
    """The domain's row. `addresses`: of this site and of the protected one."""
    mode, session = record.mode_without_vms, record.session
    by_vms = mode is Mode.SYNCHRONISED
    return Domain(
        id=folder.id,
        name=folder.name,
        mode=Mode.UNKNOWN if by_vms else mode,
        mode_says=STARTED if by_vms else "",
        owner=Owner.LOCAL if record.owned else Owner.REMOTE,
        owner_address=addresses[0] if record.owned else addresses[1],
        pitr=policy,
        session=None
        if session is None
        else Session(id=session.id, state=session.state, started_at=session.started, entry_at=session.entry),
        unread=True,
    )
