"""How this drdeck was called, for sentences that say what to type."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "drdeck"


def called() -> str:
    """A word that calls this drdeck again: "drdeck" where the shell finds it, else its path."""
    own = Path(sys.argv[0])
    if own.name != NAME:
        return NAME  # by `python -m`, or in a program of somebody's own
    found = shutil.which(NAME)
    if found is not None and Path(found).exists() and own.exists() and Path(found).samefile(own):
        return NAME
    try:
        return str(own.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(own.absolute())
