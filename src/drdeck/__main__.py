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
        from drdeck import light_imports, standard_streams

        with light_imports.stand_in():
            import asyncio  # noqa: F401

            import click  # noqa: F401
            import msgspec  # noqa: F401
            import platformdirs.unix  # noqa: F401

        standard_streams.prepare()
        from drdeck.cli.root import run

        code = standard_streams.settle(run(sys.argv[1:]))
        gc.freeze()  # at the end Python looks through all that was imported: a sixth of a command's time
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
