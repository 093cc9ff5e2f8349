"""`python -m drdeck` and the console script."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    try:
        os.umask(0o077)  # whatever is written is for this user
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name that the locale has no letters for is no error
                stream.reconfigure(errors="backslashreplace")
        from drdeck.cli.root import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
