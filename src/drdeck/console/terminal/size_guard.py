"""Terminals that are too small: nothing is drawn but a word that says so, and no key acts unseen."""

from __future__ import annotations

from typing import Any

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from drdeck.terminal_info import MIN_HEIGHT, MIN_WIDTH


def too_small(size: Size) -> bool:
    """True if a terminal has no room for the screens."""
    return size.width < MIN_WIDTH or size.height < MIN_HEIGHT


class Room:
    """Hides what a screen shows while there is no room for it, by the class "small" of its styles."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._focused: Widget | None = None

    def resized(self, size: Size) -> None:
        """The focus comes back with the rest: what is hidden loses it."""
        screen, small = self._screen, too_small(size)
        if small == screen.has_class("small"):
            return
        if small:
            self._focused = screen.focused
        screen.set_class(small, "small")
        if not small and self._focused is not None:
            screen.call_after_refresh(screen.set_focus, self._focused)
