"""Terminals with little room. Below the smallest size nothing is drawn but a word that says so, and no key
acts unseen; between that and the full size the screens have the classes "narrow" and "low"."""

from __future__ import annotations

from typing import Any

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from drdeck.terminal_info import FULL_HEIGHT, FULL_WIDTH, MIN_HEIGHT, MIN_WIDTH


def too_small(size: Size) -> bool:
    """True if a terminal has no room for the screens."""
    return size.width < MIN_WIDTH or size.height < MIN_HEIGHT


def is_narrow(size: Size) -> bool:
    """True if lines that are as long as the screens are usually wide must be folded."""
    return size.width < FULL_WIDTH


def is_low(size: Size) -> bool:
    """True if the screens leave out the lines that matter least."""
    return size.height < FULL_HEIGHT


class Room:
    """Keeps a screen's classes by its size; "small" hides what it shows, while there is no room for it."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._focused: Widget | None = None

    def measured(self, size: Size) -> None:
        """Set the classes of a size that has room."""
        for name, holds in (("narrow", is_narrow(size)), ("low", is_low(size))):
            if holds != self._screen.has_class(name):
                self._screen.set_class(holds, name)

    @property
    def little(self) -> bool:
        """True where there is less room than the screens are laid out for."""
        return self._screen.has_class("narrow") or self._screen.has_class("low")

    def resized(self, size: Size) -> None:
        """The focus comes back with the rest: what is hidden loses it."""
        self.measured(size)
        screen, small = self._screen, too_small(size)
        if small == screen.has_class("small"):
            return
        if small:
            self._focused = screen.focused
        screen.set_class(small, "small")
        if not small and self._focused is not None:
            screen.call_after_refresh(screen.set_focus, self._focused)
