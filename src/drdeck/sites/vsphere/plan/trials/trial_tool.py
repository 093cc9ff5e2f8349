"""Questions about the replication tool in a test: no retention while test VMs stand on snapshots.

No tool is driven, and no vCenter tells of its jobs: a person's word counts.
"""

from __future__ import annotations

from drdeck.model.planned import SiteQuestion
from drdeck.model.times import show_spaced
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.record.record_values import TrialRecord


def tool_asked(s: DomainState, t: TrialRecord) -> SiteQuestion | None:
    """Ask for the word that it is paused, before the first clone; None: it was given, or none is wanted."""
    if s.settings.tool != "manual" or s.record.trial_tool is not None:
        return None
    text = (
        f'Is the retention of the replication tool paused for {s.name}? (tool = "manual" in the settings.)'
        " The test VMs stand on the replicas' snapshots, which it removes. Pause it, then answer confirm,"
        " which is kept with your name: End Test asks for it to be resumed."
    )
    ident = f"tool:test:{t.of}:{t.n}"
    return SiteQuestion(id=ident, operation=t.id, text=text, choices=("confirm", "abort"))


def tool_owed(s: DomainState, t: TrialRecord) -> SiteQuestion | None:
    """Ask for the word that it goes on, once no test VM is left; None: nothing is owed, or not now."""
    paused = s.record.trial_tool
    still = [key for key in s.record.left if not key.startswith("replica:")]
    if paused is None or still or s.record.owned or s.record.completing:
        return None
    text = (
        f"No test VM of {s.name} is left. Resume the replication tool's retention, which is paused by the"
        f" word of {paused.stopped_by or 'an operator'} since {show_spaced(paused.at)}, then answer confirm."
    )
    return SiteQuestion(id=f"tool_on:test:{t.of}:{t.n}", operation=t.id, text=text, choices=("confirm",))


def tool_owed_says(s: DomainState) -> str:
    """The obligation in a sentence; empty: there is none."""
    paused = s.record.trial_tool
    if paused is None:
        return ""
    text = (
        "the replication tool's retention is paused for a test, by the word of"
        f" {paused.stopped_by or 'an operator'} at {show_spaced(paused.at)}"
    )
    return f"{text}: End Test asks for it to be resumed"
