"""Questions about the replication tool in a test: no retention while test VMs stand on snapshots.

No tool is driven, and no vCenter tells of its jobs: a person's word counts.
"""

from __future__ import annotations

from drdeck.model.life.trial_words import tool_owed_says, tool_pause_asks, tool_resume_asks
from drdeck.model.planned import SiteQuestion
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.record.record_values import TrialRecord


def tool_asked(s: DomainState, t: TrialRecord) -> SiteQuestion | None:
    """Ask for the word that it is paused, before the first clone; None: it was given, or none is wanted."""
    if s.settings.tool != "manual" or s.record.trial_tool is not None:
        return None
    text = tool_pause_asks(s.name, "settings")
    ident = f"tool:test:{t.of}:{t.n}"
    return SiteQuestion(id=ident, operation=t.id, text=text, choices=("confirm", "abort"))


def tool_owed(s: DomainState, t: TrialRecord) -> SiteQuestion | None:
    """Ask for the word that it goes on, once no test VM is left; None: nothing is owed, or not now."""
    paused = s.record.trial_tool
    still = [key for key in s.record.left if not key.startswith("replica:")]
    if paused is None or still or s.record.owned or s.record.completing:
        return None
    text = tool_resume_asks(s.name, paused.stopped_by, paused.at)
    return SiteQuestion(id=f"tool_on:test:{t.of}:{t.n}", operation=t.id, text=text, choices=("confirm",))


def tool_paused_says(s: DomainState) -> str:
    """The obligation in a sentence; empty: there is none."""
    paused = s.record.trial_tool
    return "" if paused is None else tool_owed_says(paused.stopped_by, paused.at)
