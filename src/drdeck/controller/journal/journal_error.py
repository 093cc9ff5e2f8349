"""Error of a journal that cannot be used, apart from the journal: who tells it needs no database."""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be used; the text is one sentence for the operator."""
