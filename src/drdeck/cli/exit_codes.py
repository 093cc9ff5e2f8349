"""The exit codes; the only place that knows them."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
WAITS = 4
UNREACHABLE = 5
UNKNOWN = 6
TIMED_OUT = 7
INTERRUPTED = 130
"""by Ctrl-C, as shells say it"""

_BY_CODE = {
    "usage": USAGE,
    "rule": REFUSED,
    "unconfirmed": REFUSED,
    "stale": REFUSED,
    "failed": FAILED,
    "disconnected": FAILED,
    "version": FAILED,
    "unreachable": UNREACHABLE,
    "unknown": UNKNOWN,
}


def of_refusal(code: str) -> int:
    """The exit code for the code of a controller's refusal."""
    return _BY_CODE.get(code, FAILED)


class Exit(Exception):
    """Ends a command with a code and, unless empty, one sentence on stderr."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code
