"""Words for vCenter's own events: what became of a domain's record, in a sentence. Pure."""

from __future__ import annotations

from drdeck.model import commands as c
from drdeck.model.domains import SessionState
from drdeck.model.text import brief, clean
from drdeck.model.times import show

from .domain_record import Record

_LONGEST = 120
"""Characters of a name in an event."""


def event_words_of(before: Record, after: Record, command: c.AnyCommand) -> str:
    """The sentence for a command that changed a record; empty where colleagues need no word of it."""
    what = _sentence(before, after, command, brief(clean(command.domain), _LONGEST))
    asker = brief(clean(command.asked_by), _LONGEST)
    if not what:
        return ""
    return f"drdeck: {what} asked for by {asker}" if asker else f"drdeck: {what.removesuffix(',')}"


def _sentence(before: Record, after: Record, command: c.AnyCommand, domain: str) -> str:
    match command:
        case c.StartContinuousFailover():
            return f"Continuous Failover of {domain}"
        case c.BeginCompletion():
            then = " with Run PITR" if command.run_pitr else ""
            return f"{command.type.value.capitalize()} Failover of {domain}{then}"
        case c.RollBack():
            return f"rollback of {domain} to {show(command.to)}"
        case c.ExitSession():
            return f"exit of the PITR session of {domain}"
        case c.AbortCompletion() | c.CancelContinuousFailover() | c.UndoFailover() | c.CommitFailover():
            return command.says
    if after.owned and not before.owned:
        return f"ownership of {domain} taken,"
    if _begun(after) and not _begun(before):
        return f"PITR session of {domain} begun,"
    return ""


def _begun(record: Record) -> bool:
    """Tell whether a session was active at any time; after a rollback it is so again."""
    return record.session is not None and record.session.state is not SessionState.WAITING
