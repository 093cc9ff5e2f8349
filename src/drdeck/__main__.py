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
        from drdeck import light_typing, standard_streams

        with light_typing.stand_in():
            import msgspec  # noqa: F401

        standard_streams.prepare()
        from drdeck.cli.root import run

        sys.exit(standard_streams.settle(run(sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
