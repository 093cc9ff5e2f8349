"""`--where EXPR`: which domains are meant, by what `domains --json` says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
import msgspec

from drdeck.cli import exit_codes, json_shapes
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.protocol import Listing
from drdeck.model.domains import MODE_LABELS, Mode, Owner, SessionState
from drdeck.model.text import fits, quoted
from drdeck.model.words.nearest_name import did_you_mean

Test = Callable[[json_shapes.Json], bool]
"""of a domain as in `domains --json`"""

_FLAGS: dict[str, Test] = {
    "alarms": lambda d: bool(d["alarms"]),
    "session": lambda d: d["session"] is not None,
    "pitr": lambda d: d["pitr"]["enabled"],
    "operation": lambda d: d["operation"] is not None,
    "question": lambda d: d["question"],
    "abnormal": lambda d: d.get("abnormal_since") is not None,
}
"""Words that stand alone."""
_VALUES: dict[str, tuple[str, ...]] = {
    "mode": tuple(str(mode) for mode in Mode),
    "owner": tuple(str(owner) for owner in Owner),
    "health": ("ok", "failed", "unknown"),
    "session": tuple(str(state) for state in SessionState),
    "severity": ("info", "warning", "critical"),
}
"""Keys with the values that they take; `name` takes a pattern."""
HELP = (
    "Only domains for which it holds: health=failed, mode=MODE, owner=remote, name=PATTERN, session[=STATE],"
    " severity=critical, alarms, question, operation, abnormal, pitr; ! before it: not. Commas and a second"
    " --where: all of them."
)


def matching(listing: Listing, expressions: Sequence[str]) -> Listing:
    """The listing with those domains only for which all expressions hold. Raises Exit."""
    tests = [_test(term.strip()) for text in expressions for term in text.split(",") if term.strip()]
    if not tests:
        return listing
    now = json_shapes.site_now(listing)
    kept = []
    for domain in listing.domains:
        operation = json_shapes.open_operation(domain.name, listing.operations)
        asks = operation is not None and operation.question is not None
        shaped = {**json_shapes.domain(domain, now, listing.operations), "question": asks}
        if all(test(shaped) for test in tests):
            kept.append(domain)
    return msgspec.structs.replace(listing, domains=tuple(kept))


def _test(term: str) -> Test:
    """The test of one term; "!" before it, or "!=" in it, turns it round."""
    if term.startswith("!"):
        inner = _test(term[1:].strip())
        return lambda domain: not inner(domain)
    key, sign, value = (part.strip() for part in term.partition("="))
    if key.endswith("!"):
        inner = _test(f"{key[:-1].strip()}={value}")
        return lambda domain: not inner(domain)
    if not sign:
        if key in _FLAGS:
            return _FLAGS[key]
        raise _wrong(term, key, [*_FLAGS, *(f"{name}=" for name in (*_VALUES, "name"))])
    if key == "name":
        return lambda domain: fits(domain["name"], value)
    if key not in _VALUES:
        raise _wrong(term, key, [*_VALUES, "name"])
    value = _mode(value) if key == "mode" else value
    if value not in _VALUES[key]:
        raise _wrong(term, value, _VALUES[key])
    return _value_test(key, value)


def _value_test(key: str, value: str) -> Test:
    if key == "health":
        return lambda domain: domain["health"][value] > 0
    if key == "session":
        return lambda domain: domain["session"] is not None and domain["session"]["state"] == value
    if key == "severity":
        return lambda domain: any(alarm["severity"] == value for alarm in domain["alarms"])
    return lambda domain: bool(domain[key] == value)


def _mode(text: str) -> str:
    """The value of a mode that may be written as its label."""
    return next((str(m) for m, label in MODE_LABELS.items() if label.casefold() == text.casefold()), text)


def _wrong(term: str, word: str, words: Sequence[str]) -> Exit:
    meant = did_you_mean(word, words, most=12)
    return Exit(exit_codes.USAGE, f"--where does not understand {quoted(term)}; {meant}")


def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The last part of an expression: words that stand alone, and keys with their values."""
    before, comma, part = incomplete.rpartition(",")
    sign = "!" if part.startswith("!") else ""
    words = [*_FLAGS, *(f"{key}={value}" for key, values in _VALUES.items() for value in values), "name="]
    begun = (sign + word for word in words if (sign + word).startswith(part))
    return [f"{before}{comma}{word}" for word in begun]
