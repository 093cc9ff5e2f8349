"""Texts for people in the source, and words that read twice at three in the morning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TIRING = {
    r"\bAgainst it\b": "Warning",
    r"\ball the same\b": "anyway",
    r"\btwice, unless\b": "both copies run at once (split brain)",
    r"\btaken for lost\b": "you declare the protected site lost",
    r"\bNothing was asked\b|\bnothing was asked for\b": "Cancelled",
    r"\bnothing is asked\b": "no question on this domain",
    r"\bthe answer to what it asks\b|\bwaits for the answer\b": "your answer",
    r"\b[Aa]sks: |\bASKS\b": "needs you",
    r"\bLook again\b": "Back to the form",
    r"\bbe returned to\b": "cannot be chosen later",
    r"\bgo(?:es)? on\b": "continues",
    r"\bAsked\b|\basked for at\b|\basked (?:at|by)\b": "requested",
    r"(?:^|[.;:] )[Ss]o, |\b[Tt]hus\b": "nothing, or what follows as a sentence of its own",
    r"\bneeds a terminal of\b|\bthis one is smaller\b": "Terminal too small: W x H, needs W x H",
    r"\bspeaks? against\b|\bis it needed\?": "Warning",
    r"\bis taken for\b": "counts as, or a verb",
    r"\bwaits (?:for )?its turn\b": "queued",
    r"\bwaits for its g": "waits: NAME of the group",
    r"\bnot (?:to )?be relied on\b": "what to check by hand",
    r"\b(\d+), \1 of them\b": "all",
    r"\breading its data\b": "reading 88%",
    r"\bLook there; then say\b": "a question, then what each answer means",
    r"\bNothing on this machine vouches\b": "Unknown certificate",
    r"\bchoose one of \d|\bchoose one of \{": "choose (the names)",
    r"\bout of date since\b": "Shown: 10:39:21Z",
    r"\bNothing was asked for\b": "Cancelled",
    r"\bis not so any more\b": "things changed",
    r"\bpart of a name or mode\b": "type to filter: name or state",
    r"\breads \"[\w{]": "is NAME",
    r"\bwhat was begun\b|\bwas begun there\b": "what was started",
    r"\bby itself\b": "automatically, or nothing",
}
"""Pattern -> the word to use instead."""
FIT_FOR_DOCS = (r"\bby itself\b",)
"""Patterns of words that are at their place in a page: there is room for what they mean."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """String literals with their lines, those of one expression together, without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            docs |= {
                id(x.value) for x in body if isinstance(x, ast.Expr) and isinstance(x.value, ast.Constant)
            }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
            yield node.lineno, "".join(str(part) for part in parts)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in (docs | inside)
        ):
            yield node.lineno, node.value


def tiring(text: str) -> list[str]:
    """The patterns that a text matches."""
    return [pattern for pattern in TIRING if re.search(pattern, text)]
