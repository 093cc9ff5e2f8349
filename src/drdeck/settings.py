"""The settings file: read strictly, refused with file, line, key and what would be right."""

from __future__ import annotations

from drdeck.model.domains import Frozen


class ConsoleSettings(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the console looks. `theme`: dark, light, ansi, mono. `ascii`: auto, always, never."""

    theme: str = "dark"
    ascii: str = "auto"
    mouse: bool = False
