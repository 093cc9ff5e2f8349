"""Structs that cross a border between rooms.

Modules of such structs do without `from __future__ import annotations`: with it msgspec compiles each
annotation of a struct that is used as a text of its own, which is a tenth of what a command takes.
"""

import msgspec


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that crosses a border: immutable, keyword-only."""
