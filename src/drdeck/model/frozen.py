"""Structs that cross a border between rooms."""

from __future__ import annotations

import msgspec


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that crosses a border: immutable, keyword-only."""
