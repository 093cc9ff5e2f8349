"""Instants and durations as operators write and read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .text import quoted

LONGEST_S = 1000 * 366 * 86400.0
"""A duration that is longer is a slip of the pen, and no calendar can add it to a date."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?([zZ])?")


def utcnow() -> datetime:
    """This machine's clock, which anybody may set."""
    return datetime.now(UTC)


def parse_duration(text: str) -> float:
    """Seconds in "90s", "15m", "1h30m", "3d". Raises ValueError with what would be right."""
    squeezed = text.strip().replace(" ", "")
    total, at = 0.0, 0
    for match in _DURATION.finditer(squeezed):
        if match.start() != at:
            break
        total += float(match[1]) * _UNITS[match[2]]
        at = match.end()
    if not squeezed or at != len(squeezed):
        raise ValueError(f"{quoted(text)} is not a duration; write it like 30s, 15m, 2h or 3d")
    if total > LONGEST_S:
        raise ValueError(f"{quoted(text)} is longer than a thousand years")
    return total


def show_duration(seconds: float) -> str:
    """A duration for people: "4s", "12:31", "01:02:03", "3d 04:00"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours:02}:{minutes:02}:{secs:02}"


def show_age(seconds: float) -> str:
    """An age or length for people: "4s", "12 min" up to an hour, then "1h38", from ten days on "12d"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60} min"
    hours, minutes = divmod(whole // 60, 60)
    if hours < 240:
        return f"{hours}h{minutes:02}"
    return f"{hours // 24}d"


def show_span(seconds: float) -> str:
    """A round length of time: "3d", "15m"; in the largest unit that leaves no rest."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"


def show_clock(seconds: float) -> str:
    """A running clock, always hh:mm:ss."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"


def clock_in(seconds: str) -> str:
    """A span that is kept as text, as a clock; what a later drdeck may have written stays as it is."""
    try:
        return show_clock(float(seconds))
    except ValueError:
        return seconds


def instant_in(text: str, form: Callable[[datetime], str]) -> str:
    """The same of an instant, in the form that `form` gives it."""
    try:
        return form(datetime.fromisoformat(text))
    except ValueError:
        return text


def show(instant: datetime) -> str:
    """An instant in ISO 8601 UTC with Z; fractions of a second are kept."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    if "." in text:
        text = text.rstrip("0")
    return text + "Z"


def show_spaced(instant: datetime) -> str:
    """An instant inside a sentence for people, in whole seconds: "2026-11-22 09:40:00Z"."""
    return show(instant.replace(microsecond=0)).replace("T", " ")


def show_seconds(instant: datetime) -> str:
    """An instant in whole seconds for people: "2026-11-22 09:40:00Z"."""
    return show_spaced(instant.replace(microsecond=0))


def to_millisecond(instant: datetime) -> datetime:
    """Without what a vCenter's records do not keep."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_instant(text: str, now: datetime) -> tuple[datetime, str]:
    """An instant as an operator types it, and a sentence when something was assumed.

    Takes "2026-11-22T10:42:00Z" (or with another offset), "10:42" (the latest such time of day at
    or before `now`, in UTC, which the sentence says) and "-15m" (before `now`). Raises ValueError
    with what would be right.
    """
    raw = text.strip()
    if raw.startswith("-") and len(raw) > 1:
        try:
            return now - timedelta(seconds=parse_duration(raw[1:])), ""
        except (ValueError, OverflowError):
            raise ValueError(_remedy(text)) from None
    clock = _CLOCK.fullmatch(raw)
    if clock:
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        micro = round(float(clock[4]) * 1_000_000) if clock[4] else 0
        if hour > 23 or minute > 59 or second > 59 or micro > 999_999:
            raise ValueError(_remedy(text))
        at = now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=micro)
        if at > now:
            at -= timedelta(days=1)
        return at, f"{raw} is taken as UTC: {show(at)}"
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        raise ValueError(_remedy(text)) from None
    if "T" not in raw.upper() and " " not in raw:
        raise ValueError(_remedy(text))
    try:
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
            return parsed, f"{raw} is taken as UTC: {show(parsed)}"
        return parsed.astimezone(UTC), ""
    except OverflowError:
        raise ValueError(_remedy(text)) from None


def _remedy(text: str) -> str:
    return f"{quoted(text)} is not a time; write 2026-11-22T10:42:00Z, 10:42 (UTC) or -15m (before now)"
