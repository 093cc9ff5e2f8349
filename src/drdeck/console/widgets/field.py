"""A field of one line to type into."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import Input

_ARROWS = frozenset("←→")


def beside_typing(keys: Sequence[tuple[str, str]], focused: Widget | None) -> list[tuple[str, str]]:
    """The (key, what it does) pairs that do it where the focus is: a field takes what can be typed."""
    if not isinstance(focused, Input):
        return list(keys)
    return [(key, does) for key, does in keys if not key or not any(map(_typed, key.split()))]


def _typed(key: str) -> bool:
    """Whether a key, as it is written on the screen, writes or moves in a field."""
    return key in ("space", "0-9") or key in _ARROWS or (len(key) == 1 and key.isascii())


class Field(Input):
    """Textual's Input in one row, with a cursor that does not blink: a blink costs bytes for ever."""

    def __init__(self, id: str, placeholder: str = "", password: bool = False) -> None:
        super().__init__(
            id=id, placeholder=placeholder, password=password, compact=True, select_on_focus=False
        )
        self.cursor_blink = False

    def action_copy(self) -> None:
        """Textual's own, but a password never goes to a clipboard."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        if not self.password:
            super().action_cut()
