"""The name that somebody has probably meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from drdeck.model.text import some

LIKE = 0.6
"""Likeness from which on a name is offered, as difflib measures it; 1 is the same."""
LONGEST = 200
"""Characters of a name that are compared; difflib takes the square of it."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is most like `name`; None where none is near.

    A name of which only the beginning was typed is near, if no other begins so.
    """
    present = list(dict.fromkeys(names))
    folded = {_folded(other): other for other in present}
    typed = _folded(name)
    if not typed:
        return None
    import difflib  # only what is refused needs it

    close = difflib.get_close_matches(typed, folded, n=1, cutoff=LIKE)
    if close:
        return folded[close[0]]
    begun = [other for form, other in folded.items() if form.startswith(typed)]
    return begun[0] if len(begun) == 1 else None


def did_you_mean(name: str, names: Sequence[str], most: int = 8) -> str:
    """Words behind a name that there is not: the nearest one, else a few that there are."""
    close = nearest(name, names)
    if close is not None:
        return f'did you mean "{close}"?'
    quoted = [f'"{other}"' for other in names]
    return f"there are: {some(quoted, most)}" if names else "there is none"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()[:LONGEST]
