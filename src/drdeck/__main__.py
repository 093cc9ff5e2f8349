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
        from drdeck.cli.app import run  # takes long enough for a Ctrl-C to come in between

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
