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

WORDS = {
    DONE: "done",
    FAILED: "failed",
    USAGE: "the command line or the settings cannot be used",
    REFUSED: "refused by a rule, which stderr names",
    WAITS: "waits for your answer (drdeck answer)",
    UNREACHABLE: "the site cannot be reached",
    UNKNOWN: "the result is unknown: look at the site, then answer",
    TIMED_OUT: "watch or --wait ran out of time",
    INTERRUPTED: "interrupted by ctrl+c; what was accepted continues",
}
"""Exit code -> its meaning, for help and man pages."""
EPILOGUE = "\n".join(("\b", "Exit codes:", *(f"  {code:>3}  {words}" for code, words in WORDS.items())))
"""The same for the end of `drdeck --help`."""

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
