"""`python -m drdeck` and the console script."""

from __future__ import annotations

import gc
import os
import sys

GARBAGE_LOOKED_FOR = 50_000
"""New objects after which the youngest are looked through; Python's own figure is 700."""


def main() -> None:
    try:
        os.umask(0o077)  # whatever is written is for this user
        # imports make many objects that stay: looking through them for cycles is a tenth of a command's time
        gc.set_threshold(GARBAGE_LOOKED_FOR)
        # large, and there for Textual: Python's own typing has had what msgspec takes of it since 3.11
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        import msgspec  # noqa: F401

        del sys.modules["typing_extensions"]
        from drdeck import standard_streams

        standard_streams.prepare()
        from drdeck.cli.root import run

        sys.exit(standard_streams.settle(run(sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
