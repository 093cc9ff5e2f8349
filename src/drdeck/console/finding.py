"""The words of the list's filter: each must hold; some are turned round, some about one thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drdeck.model.domains import Domain

from .widgets.list_rows import state_text

HINT = "words; !not, health:failed, mode:pitr, alarm:, session:"


def matches(domain: Domain, query: str, now: datetime) -> bool:
    """True if every word of the query holds of a domain; "!word" must not hold."""
    words = query.casefold().split()
    return all(_holds(domain, word.removeprefix("!"), now) is not word.startswith("!") for word in words)


def _holds(domain: Domain, word: str, now: datetime) -> bool:
    kind, colon, value = word.partition(":")
    if not colon or kind not in _ABOUT:
        text = f"{domain.name} {domain.mode_label} {state_text(domain, now)} {domain.owner}"
        return word in text.casefold()
    text = _ABOUT[kind](domain, now)
    return bool(text) and value in text.casefold()


def _health(domain: Domain, now: datetime) -> str:
    checks = domain.checked
    return "failed" if checks.failed else "ok" if checks.ok else "unknown"


_ABOUT: dict[str, Callable[[Domain, datetime], str]] = {
    "health": _health,
    "mode": lambda domain, now: f"{domain.mode} {domain.mode_label} {state_text(domain, now)}",
    "alarm": lambda domain, now: " ".join(f"{a.kind} {a.severity}" for a in domain.alarms),
    "session": lambda domain, now: str(domain.session.state) if domain.session is not None else "",
    "owner": lambda domain, now: str(domain.owner),
}
"""The word before a colon -> the text in which the rest is looked for; empty text holds nothing."""
