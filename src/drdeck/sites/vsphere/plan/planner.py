"""Plan of a vSphere domain: a pure function of its record, its VMs, the protected VMs and the time."""

from __future__ import annotations

from drdeck.model.domains import SessionState
from drdeck.sites.vsphere.plan.parts.planned_calls import Plan

from .domain_state import DomainState
from .failover import completing, remapping, without_the_vanished
from .failover_undo import committing, undoing
from .life.release import releasing
from .pitr_session import entering, exiting, made_good, rolling_back
from .trials.trial_plan import powering_off, trial_plan


def plan(s: DomainState) -> Plan:
    """The work due now, or the question that keeps it from going on."""
    session = s.record.session
    trial = s.record.trial
    if trial is not None and s.record.completing and trial.phase == "off":
        return Plan(powering_off(s, trial, "trial_parked"))  # a real failover ends a test first
    remap = remapping(s)
    if remap is not None:
        return remap
    if s.record.undo is not None:
        return undoing(s, s.record.undo)
    if s.record.committed is not None and not s.record.committed.over:
        return committing(s, s.record.committed)
    if s.record.release is not None:
        return releasing(s, s.record.release)
    if (
        s.vanished
        and s.record.failover is not None
        and (session is None or session.state is SessionState.WAITING)
    ):
        return without_the_vanished(s, s.record.failover)
    if session is not None:
        if session.state is SessionState.WAITING:
            return entering(s, session.id)
        if session.state is SessionState.ROLLING_BACK and s.record.rollback is not None:
            return rolling_back(s, s.record.rollback)
        if session.state is SessionState.EXITING:
            return exiting(s, session.last or "")
        if s.record.entering is not None:
            return made_good(s, s.record.entering.by)
        return Plan()
    if s.record.completing and s.record.failover is not None:
        return completing(s, s.record.failover)
    if trial is not None:
        return trial_plan(s, trial)
    return Plan()
