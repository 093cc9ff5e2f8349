"""Dialogs that say something and ask for a yes: notice, confirmation, confirmation by the domain's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import arrows
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field
from drdeck.model.text import clean

from .dialog import CANCEL, NEXT, PRESS, Dialog, paragraph


class Notice(Dialog[bool]):
    """Something to read. The only button is in the focus."""

    def __init__(self, title: str, says: Sequence[str]) -> None:
        super().__init__(title)
        self._says = tuple(says)

    def body(self) -> Iterable[Widget]:
        return [paragraph(text) for text in self._says]

    def buttons(self) -> Iterable[Push]:
        yield Push("Dismiss", id="cancel")

    def keys(self) -> list[tuple[str, str]]:
        return [("enter", "Dismiss")]


class Confirm(Dialog[bool]):
    """Says what will happen and asks; `after` stands below what it warns of. Cancel has the focus; `key` says
    yes from wherever that is: only for what another dialog asks again, or what takes nothing away."""

    def __init__(
        self,
        title: str,
        says: Sequence[str],
        yes: str,
        warns: Sequence[str] = (),
        key: str | None = None,
        after: Sequence[str] = (),
    ) -> None:
        super().__init__(title)
        self._says, self._warns, self._after, self._yes = tuple(says), tuple(warns), tuple(after), yes
        self._key = key

    def body(self) -> Iterable[Widget]:
        texts = [*((t, "") for t in self._says), *((t, "warn") for t in self._warns)]
        return [paragraph(*text) for text in (*texts, *((t, "") for t in self._after))]

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push(self._yes, id="yes")

    def keys(self) -> list[tuple[str, str]]:
        return [*super().keys(), *([(self._key, self._yes)] if self._key else [])]

    def says_yes(self, key: str) -> bool:
        return super().says_yes(key) or (self._key is not None and key == self._key)

    def on_key(self, event: events.Key) -> None:
        if self._key is not None and event.key == self._key:
            event.stop()
            self.dismiss(True)

    def pressed(self, push: Push) -> None:
        self.dismiss(True)


class ConfirmByName(Confirm):
    """Tier 3: the domain's name must be typed. Enter behind the right name goes to the yes, and presses
    nothing; Cancel has the focus."""

    BINDINGS = [Binding("down", "to_yes", "To the yes", show=False)]

    def __init__(
        self, title: str, says: Sequence[str], yes: str, name: str, warns: Sequence[str] = ()
    ) -> None:
        super().__init__(title, says, yes, warns)
        self._domain = name

    def body(self) -> Iterable[Widget]:
        yield from super().body()
        yield paragraph(f'Type the name of the domain, "{clean(self._domain)}"', "name-wanted")
        yield Field(id="typed", select=False)

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push(self._yes, id="yes", disabled=True)

    @property
    def matches(self) -> bool:
        typed = self.query_one(Input).value
        return typed in (self._domain, clean(self._domain))

    def on_input_changed(self, event: Input.Changed) -> None:
        button = self.query_one("#yes", Push)
        if button.disabled == self.matches:
            button.disabled = not self.matches
            button.refresh()
            self.draw_keys()

    def keys(self) -> list[tuple[str, str]]:
        in_field = isinstance(self.focused, Input)
        key = "enter" if in_field else "↓"
        to_yes = (key, f"To {self._yes}") if self.matches else ("", f"{arrows(key)} To {self._yes}")
        press = [] if in_field else [PRESS]
        return [NEXT, to_yes, *press, CANCEL]

    def action_to_yes(self) -> None:
        """The shortest way from the typed name; to press it takes another key, and not one right behind."""
        if self.matches:
            self.query_one("#yes", Push).focus()
            self.listen_anew()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_to_yes()

    def before_key(self, event: events.Key) -> bool:
        """Letters go to the field wherever the focus is, so that nobody types a name into the void."""
        field = self.query_one(Input)
        if event.character and event.is_printable and event.character != " " and self.focused is not field:
            self.set_focus(field)
        return False

    def on_paste(self, event: events.Paste) -> None:
        field = self.query_one(Input)
        if not field.has_focus:
            field.focus()
            field.insert_text_at_cursor(event.text.splitlines()[0] if event.text else "")
            event.stop()

    def pressed(self, push: Push) -> None:
        if self.matches:
            self.dismiss(True)
