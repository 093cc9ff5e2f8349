"""The choice of a recovery network for each protected network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message

from drdeck.console.format import Line, cut, left, name
from drdeck.model.domains import Networks
from drdeck.model.text import clean

from .row_list import RowList
from .text_lines import Lines

CHOOSE = "choose"
HOW_TO_CHOOSE = "enter lists, left/right choose, = same for all"
_HOW_IN_SHORT = "enter lists, = same for all"
HOW_TO_CHANGE = "left/right choose another"
"""Once each network has one: Enter goes on then, and \"=\" finds none without."""


def missing(networks: Networks, mapping: Mapping[str, str]) -> list[str]:
    """Protected networks that have no recovery network yet, where there is a choice."""
    return [p for p in networks.protected if p not in mapping] if networks.recovery else []


HEAD_WIDTH = 76
"""Cells of the heads until it is known how many there are."""
_FROM_BUTTONS = ("up", "down", "equals_sign")
_CHOOSING = {"left": -1, "right": 1}
"""Also from the buttons, as long as a network has no choice; else they go from button to button."""


class NetworkMapping(RowList[str]):
    """One row a protected network; left and right choose, a letter goes to the next that begins with it."""

    DEFAULT_CSS = "NetworkMapping { height: auto; max-height: 5; }"
    BINDINGS = [
        Binding("left,h", "choose(-1)", "Before", show=False),
        Binding("right,l,space", "choose(1)", "Next", show=False),
        Binding("equals_sign", "same", "The same for all", show=False),
    ]

    class Settled(Message):
        """Nothing is left to choose, and the operator says so; `behind_same`: by an Enter that was typed
        right behind "=", before the focus had moved on."""

        def __init__(self, behind_same: bool = False) -> None:
            super().__init__()
            self.behind_same = behind_same

    class Listed(Message):
        """Enter on a network without a choice: a list of all that are offered is wanted."""

        def __init__(self, mapping: NetworkMapping, row: str) -> None:
            super().__init__()
            self.mapping, self.row = mapping, row

    class NothingToRepeat(Message):
        """ "=" before any network was chosen."""

    class Changed(Message):
        """The mapping changed."""

        def __init__(self, mapping: NetworkMapping) -> None:
            super().__init__()
            self.mapping = mapping

    def __init__(self, networks: Networks, id: str | None = None, head: MappingHead | None = None) -> None:
        super().__init__(self._row_line, lambda row: row, empty="no network is known here", id=id)
        self.networks, self._head = networks, head
        self.targets = networks.proposed
        self._rows = networks.protected
        self.quiet = True
        self._same = False
        self._latest: str | None = None

    def takes(self, key: str) -> bool:
        """Act on a key that came while a button had the focus: "=" at once, up and down only come here."""
        if key in _CHOOSING and missing(self.networks, self.targets):
            self.focus()
            self.action_choose(_CHOOSING[key])
            return True
        if key not in _FROM_BUTTONS:
            return False
        if key == "equals_sign":
            self.action_same()
        else:
            self.focus()
        return True

    def _row_line(self, row: str, width: int) -> Line:
        first = max(12, min(30, width // 2 - 2))
        target = self.targets.get(row)
        if target is None:
            offered = ", ".join(clean(network) for network in self.networks.recovery)
            text = cut(f"{CHOOSE} ({offered}", width - first - 8) + ")" if offered else "none offered here"
            return ((name(row, first), ""), (f"  ‹ {text} ›", "warn"))
        text = self._place_of(target, max(8, width - first - 8))
        return ((name(row, first), ""), (f"  ‹ {text} ›", "bold"))

    def _place_of(self, target: str, width: int) -> str:
        """A network in `width` cells: where several share its name, with switch and folder instead of its id,
        if those tell them apart in so few."""
        places = {}
        for network, place in self.networks.places.items():
            if network.rpartition(" (")[0] == target.rpartition(" (")[0]:
                places[network] = cut(f"{network.rpartition(' (')[0]} {place}", width)
        apart = target in places and len(set(places.values())) == len(places)
        return places[target] if apart else cut(clean(target), width)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return max(1, len(self._rows))

    def on_mount(self) -> None:
        unset = next((i for i, row in enumerate(self._rows) if row not in self.targets), 0)
        self.select(unset)
        self._tell_head()

    def _tell_head(self) -> None:
        if self._head is not None:
            self._head.say_how(bool(missing(self.networks, self.targets)))

    def action_choose(self, by: int) -> None:
        row, offered = self.row, self.networks.recovery
        if row is None or not offered:
            return
        now = self.targets.get(row)
        if now in offered:
            place = (offered.index(now) + by) % len(offered)
        else:
            place = 0 if by > 0 else len(offered) - 1
        self._choose(row, offered[place])

    def action_same(self) -> None:
        """This row's choice, or else the last one made, for every network that has none yet."""
        target = self.targets.get(self.row, self._latest) if self.row is not None else None
        if target is None:
            self.post_message(self.NothingToRepeat())
        else:
            self.targets = {**dict.fromkeys(self.networks.protected, target), **self.targets}
            self.redraw()
            self._tell_head()
            self.post_message(self.Changed(self))
            self.post_message(self.Settled())
            self._same = True

    def action_open(self) -> None:
        """Enter on a network without a choice has all listed, else it goes to the next such one; when there
        is none, it is done here."""
        open_ones = missing(self.networks, self.targets)
        if self.row in open_ones:
            self.post_message(self.Listed(self, self.row))
        elif open_ones:
            self.select_key(open_ones[0])
        else:
            self.post_message(self.Settled(behind_same=self._same))

    def take(self, row: str, network: str) -> None:
        """Choose for a network out of the list, and go to the next one without a choice."""
        self._choose(row, network)
        for open_one in missing(self.networks, self.targets)[:1]:
            self.select_key(open_one)

    def on_blur(self) -> None:
        self._same = False

    def on_key(self, event: events.Key) -> None:
        """A letter that is no binding here goes to the next network that begins with it."""
        char, row, offered = event.character, self.row, self.networks.recovery
        if not char or not char.isprintable() or char in "jkhlgG :?" or row is None or not offered:
            return
        now = self.targets.get(row)
        start = offered.index(now) + 1 if now in offered else 0
        for network in (*offered[start:], *offered[:start]):
            if network.casefold().startswith(char.casefold()):
                self._choose(row, network)
                event.stop()
                event.prevent_default()
                return

    def _choose(self, row: str, network: str) -> None:
        self.targets, self._latest = {**self.targets, row: network}, network
        self.refresh_line(self.cursor)
        self._tell_head()
        self.post_message(self.Changed(self))


class MappingHead(Lines):
    """The lines above a mapping: with a `title` that and how to choose, and the heads of its columns."""

    def __init__(self, title: str = "", target: str = "Recovery VM Network", before: Sequence[Line] = ()):
        super().__init__()
        self._title, self._target, self._before = title, target, tuple(before)
        self._choosing = True
        self._lines = self._heads(HEAD_WIDTH)

    def say_how(self, choosing: bool) -> None:
        """Say how to choose, or once nothing is left to choose how to change it."""
        if choosing != self._choosing:
            self._choosing = choosing
            self.put(self._heads(self.size.width or HEAD_WIDTH))

    def on_resize(self) -> None:
        self.put(self._heads(self.size.width))

    def _heads(self, width: int) -> tuple[Line, ...]:
        first = max(12, min(30, (width - 3) // 2 - 2))
        columns: Line = ((f"   {left('Protected VM Network', first)}  {self._target}", "head"),)
        if not self._title:
            return (*self._before, columns)
        room = width - len(self._title) - 3
        how = HOW_TO_CHOOSE if len(HOW_TO_CHOOSE) <= room else _HOW_IN_SHORT
        how = how if self._choosing else HOW_TO_CHANGE
        return (*self._before, ((self._title, "head"), (f"   {how}", "dim")), columns)
