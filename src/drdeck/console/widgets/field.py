"""A field of one line to type into."""

from __future__ import annotations

from textual.widgets import Input


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
