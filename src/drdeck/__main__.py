"""`python -m drdeck` and the console script."""

from __future__ import annotations

import os
import sys

from drdeck.cli.app import run


def main() -> None:
    os.umask(0o077)  # whatever is written is for this user
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
