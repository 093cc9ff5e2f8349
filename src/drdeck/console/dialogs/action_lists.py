"""Lists to choose one from: the More menu with a domain's actions, and the networks that are offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual import events
from textual.widget import Widget

from drdeck.console.format import Line, cut, left, wrap_some
from drdeck.console.state import State
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.row_list import RowList
from drdeck.console.widgets.text_lines import Lines
from drdeck.model.domains import Networks
from drdeck.model.text import clean

from .dialog import CANCEL, Dialog

MENU_ROWS, MENU_BESIDE = 12, 8
"""Rows of the menu at most, and lines of the dialog beside them."""
MENU_WIDTH = 50
"""Cells of the menu with its frame, as in the styles."""
NETWORK_WIDTH = 40
"""Cells of a network that has more to be told by than its name."""
NETWORKS_SEEN = 12
"""Rows of the list of networks; it scrolls."""


@dataclass(frozen=True)
class Item:
    """One action; `closed` is why it cannot be taken now, `typed` what the palette completes to. `unlisted`:
    no menu has it now; the palette does only where its name is typed."""

    name: str
    label: str
    help: str = ""
    closed: str | None = None
    typed: str = ""
    unlisted: bool = False


def menu_line(item: Item, width: int) -> Line:
    if item.closed:
        reason = cut(f"  ({clean(item.closed)})", max(0, width - len(item.label)))
        return ((item.label, "dim"), (reason, "dim"))
    return ((item.label, "bold"),)


class MoreMenu(Dialog[str]):
    """The domain's More menu. A dimmed item tells its reason in full when it is chosen.

    `items` gives what can be chosen as things are now: an open menu follows the news, and its cursor
    stays on its item. Only where nothing but the last one could be chosen, as before the VMs are read, it
    goes to the first that can be, unless somebody has moved it.
    """

    AUTO_FOCUS = "RowList"
    GUARD = False

    def __init__(self, items: Callable[[], Sequence[Item]], closing: Sequence[str] = ("m",)) -> None:
        super().__init__("More")
        self._source, self._closed_by = items, tuple(closing)
        self._items = tuple(items())
        self._waits_on: str | None = None
        """the item on which the cursor stands because no act before it could be chosen"""

    def body(self) -> Iterable[Widget]:
        yield RowList(menu_line, lambda item: item.name, empty="nothing can be done here", id="items")
        yield Lines((), (), (), id="reason")

    def ready(self) -> None:
        super().ready()
        self._put()
        self._stand()

    def _stand(self) -> None:
        """Put the cursor on the first item that can be chosen."""
        place = next((i for i, item in enumerate(self._items) if item.closed is None), 0)
        self.query_one("#items", RowList).select(place)
        late = all(item.closed for item in self._items[:-1])
        self._waits_on = self._items[place].name if self._items and late else None

    def take(self, state: State) -> None:
        items = tuple(self._source())
        if items != self._items:
            row = self.query_one("#items", RowList).row
            waits = isinstance(row, Item) and row.name == self._waits_on
            self._items = items
            self._put()
            if waits:
                self._stand()
            self._explain()

    def _put(self) -> None:
        rows: RowList[Item] = self.query_one("#items", RowList)
        rows.styles.height = max(1, len(self._items))
        rows.styles.max_height = max(3, min(MENU_ROWS, self.app.size.height - MENU_BESIDE))
        rows.put(self._items)

    def resized(self) -> None:
        self._put()

    def buttons(self) -> Iterable[Push]:
        return ()

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Move"), ("enter", "Choose"), ("esc", "Close")]

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        row = event.rows.row
        if isinstance(row, Item) and row.name != self._waits_on:
            self._waits_on = None
        self._explain()

    def _explain(self) -> None:
        """Tell in full why the item under the cursor is dimmed, or what it does."""
        item = self.query_one("#items", RowList).row
        lines, style = [], "dim"
        if isinstance(item, Item):
            lines = wrap_some(clean(item.closed or item.help), MENU_WIDTH - 4, 3)
            style = "" if item.closed else "dim"
        self.query_one("#reason", Lines).put([*(((t, style),) for t in lines), *[()] * (3 - len(lines))])

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        item = event.rows.row
        if isinstance(item, Item):
            self.dismiss(item.name)

    def on_key(self, event: events.Key) -> None:
        """The key that opened it closes it."""
        if event.key in self._closed_by:
            event.stop()
            self.dismiss(None)


class NetworkList(Dialog[str]):
    """The networks that are offered for one protected network; answers with the one of the row."""

    AUTO_FOCUS = "RowList"

    def __init__(self, protected: str, networks: Networks) -> None:
        super().__init__(f"{protected} leads to")
        self._networks = networks

    def body(self) -> Iterable[Widget]:
        rows = RowList[str](self._line, lambda network: network, id="networks")
        rows.styles.height = max(
            1, min(NETWORKS_SEEN, len(self._networks.recovery), self.app.size.height - 7)
        )
        yield rows

    def _line(self, network: str, width: int) -> Line:
        place = clean(self._networks.places.get(network, ""))
        beside = ((f"  {cut(place, width - NETWORK_WIDTH - 2)}", "dim"),) if place else ()
        label = clean(network)
        if place and width < 2 * NETWORK_WIDTH - 4 - 10:
            return ((cut(f"{label}  {place}", width), "bold"),)
        return ((left(label, NETWORK_WIDTH) if place else cut(label, width), "bold"), *beside)

    def ready(self) -> None:
        super().ready()
        self.query_one("#networks", RowList).put(self._networks.recovery)

    def keys(self) -> list[tuple[str, str]]:
        return [("↑ ↓", "Move"), ("enter", "Choose"), CANCEL]

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        event.stop()
        self.dismiss(event.rows.row)
