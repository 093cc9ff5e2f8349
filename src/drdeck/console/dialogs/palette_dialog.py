"""The palette: every act, domain, VM and site by its name, with completion."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import Line, cut, left
from drdeck.console.state import State
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.text import clean

from .action_lists import Item, MoreMenu

ROWS, BESIDE = 10, 9
"""Rows of the list, and lines of the dialog beside them."""
LABEL = 22
"""Cells of an item's label."""
KINDS = ("vm", "site", "view", "pitr")
"""First words that leave items of their kind only."""


def palette_line(item: Item, width: int) -> Line:
    text = f"({clean(item.closed)})" if item.closed else item.help
    label = (left(item.label, LABEL), "dim" if item.closed else "bold")
    return (label, (cut(f" {text}", max(0, width - LABEL)), "dim"))


def narrowed(items: Iterable[Item], text: str) -> list[Item]:
    """The items that a text leaves: those first whose names begin with it, then those with it in the name;
    what no menu has now comes last, by its name alone."""
    words = text.casefold().split()
    if not words:
        return [item for item in items if not item.typed.startswith("vm ") and not item.unlisted]
    kind = f"{words[0]} " if words[0] in KINDS and (len(words) > 1 or text.endswith(" ")) else ""
    begin = " ".join(words)

    def place(item: Item) -> int:
        names = (item.label.casefold(), item.typed.casefold())
        if any(name.startswith(begin) for name in names):
            return 0
        return 1 if any(all(word in name for word in words) for name in names) else 2

    matching = (i for i in items if i.typed.casefold().startswith(kind) and _holds(i, words))
    return sorted(matching, key=lambda item: (item.unlisted, place(item)))


def _holds(item: Item, words: Sequence[str]) -> bool:
    text = f"{item.typed} {item.label} {'' if item.unlisted else item.help}".casefold()
    return all(word in text for word in words)


def completed(items: Sequence[Item], text: str, current: Item | None) -> str:
    """The text as far as all items that begin with it go on alike; where they part, the current item's."""
    begin = text.casefold()
    typed = [item.typed for item in items if item.typed.casefold().startswith(begin)]
    columns = zip(*(name.casefold() for name in typed), strict=False)
    alike = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
    if alike > len(text):
        return typed[0][:alike]
    return current.typed or text if current is not None else text


class Palette(MoreMenu):
    """Everything by name, narrowed by typing; `typed_items` are those that the text itself makes."""

    AUTO_FOCUS = "Input"

    def __init__(
        self,
        items: Callable[[], Sequence[Item]],
        typed_items: Callable[[str], Sequence[Item]] = lambda text: (),
    ) -> None:
        super().__init__(items)
        self.heading = "Every act, domain, VM and site"
        self._typed_items = typed_items

    def body(self) -> Iterable[Widget]:
        yield Field(id="wanted", placeholder="part of a name; vm NAME, site NAME, view NAME, pitr 9:41")
        yield RowList(palette_line, lambda item: item.name, empty="nothing is called so", id="items")
        yield Lines((), (), (), id="reason")

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Move"), ("tab", "Complete"), ("enter", "Choose"), ("esc", "Close")]

    def ready(self) -> None:
        self._items = tuple(self._source())
        self._put()

    def take(self, state: State) -> None:
        """News; also that the VMs' names have come."""
        if self.query("#wanted"):  # else it is not made yet, and begins with them
            self.ready()

    def _put(self) -> None:
        text = self.query_one("#wanted", Field).value
        rows: RowList[Item] = self.query_one("#items", RowList)
        rows.styles.height = max(3, min(ROWS, self.app.size.height - BESIDE))
        rows.put([*self._typed_items(text), *narrowed(self._items, text)])
        self._explain()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._put()
        self.query_one("#items", RowList).select(0)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.query_one("#items", RowList).action_open()

    def before_key(self, event: events.Key) -> bool:
        """Tab completes what was typed, and does not go elsewhere."""
        if event.key != "tab":
            return False
        field, rows = self.query_one("#wanted", Field), self.query_one("#items", RowList)
        field.value = completed(rows.rows, field.value, rows.row)
        field.cursor_position = len(field.value)
        return True

    def on_key(self, event: events.Key) -> None:
        """The arrows go to the list; letters are letters here."""
        if event.key in ("up", "down"):
            self.query_one("#items", RowList).action_move(-1 if event.key == "up" else 1)
            event.stop()
            event.prevent_default()
