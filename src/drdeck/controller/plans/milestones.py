"""The instants of a run that its report is made from, journaled once each: served again, session active."""

from __future__ import annotations

from collections.abc import Mapping

from drdeck.controller.journal.event_store import Entry
from drdeck.controller.journal.recorder import SELF
from drdeck.controller.journal.runs import RECOVERED, SESSION, RunRecord
from drdeck.model.domains import Domain, SessionState
from drdeck.model.times import show


def newly_reached(run: RunRecord, domains: Mapping[str, Domain]) -> list[Entry]:
    """Events to write, with the site's times; those of a domain's earlier attempt count for nothing."""
    entries: list[Entry] = []
    for name, operation in run.begun.items():
        domain = domains.get(name)
        if domain is None:
            continue
        data = {"run": run.id, "domain": name, "operation": operation}
        failover, session, before = domain.failover, domain.session, run.recovered.get(name)
        noted = before is not None and before.operation == operation
        if failover is not None and failover.id == operation and failover.recovered_at and not noted:
            vms = {"vms": domain.vms_recovered, "of": domain.vms_total}
            entries.append(Entry(SELF, RECOVERED, data | vms | {"at": show(failover.recovered_at)}))
        if session is None or session.after_failover != operation or session.state is SessionState.WAITING:
            continue
        if session.started_at is not None and run.sessions.get(name) != session.started_at:
            entries.append(Entry(SELF, SESSION, data | {"at": show(session.started_at)}))
    return entries
