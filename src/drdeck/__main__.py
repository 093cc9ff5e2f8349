"""`python -m drdeck` and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    try:
        os.umask(0o077)  # whatever is written is for this user
        from drdeck import standard_streams

        standard_streams.prepare()
        from drdeck.cli.root import run

        sys.exit(standard_streams.settle(run(sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
