"""Small controls of one line: a button, a tick, a choice. Nothing of theirs is told by colour alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from drdeck.console.format import Line

from .text_lines import covered, in_focus, strip_of


class Control(Widget, can_focus=True):
    """Base: one line, redrawn when the focus comes and goes. Not to be made by itself (mypy sees to it:
    Textual's metaclass is no ABCMeta)."""

    DEFAULT_CSS = "Control { height: 1; width: auto; }"

    class Changed(Message):
        """The operator changed it."""

        def __init__(self, control: Control) -> None:
            super().__init__()
            self._control = control

        @property
        def control(self) -> Control:
            return self._control

    class Settled(Message):
        """Enter on a choice or a tick: the operator is through with it."""

    @abstractmethod
    def line(self) -> Line:
        """The control as it looks now."""

    def action_settle(self) -> None:
        self.post_message(self.Settled())

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return sum(cell_len(text) for text, _ in self.line())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def render_line(self, y: int) -> Strip:
        return strip_of(self, self.line(), self.size.width)


class Push(Control):
    """A button, `[ Label ]`. Enter and space press it while it has the focus. Below a dialog it is a dim
    word, lest it be taken for one of the dialog's."""

    BINDINGS = [Binding("enter,space", "press", "Press", show=False)]
    DEFAULT_CSS = "Push { margin: 0 1 0 0; }"

    class Pressed(Message):
        def __init__(self, push: Push) -> None:
            super().__init__()
            self.push = push

        @property
        def control(self) -> Push:
            return self.push

    def __init__(self, label: str, id: str | None = None, disabled: bool = False, data: str = "") -> None:
        super().__init__(id=id, disabled=disabled)
        self.label = label
        self.data = data
        self.closed = False

    def look_closed(self, closed: bool) -> None:
        """Dimmed or not. A closed one can still be pressed, so that it can be said why it does nothing."""
        if closed != self.closed:
            self.closed = closed
            self.refresh()

    def line(self) -> Line:
        if covered(self):
            return ((f"  {self.label}  ", "dim"),)
        style = "dim" if self.disabled else "button-focus" if in_focus(self) else "button"
        marks = (">", "<") if in_focus(self) else (" ", " ")
        if self.disabled or self.closed:
            style = style if in_focus(self) else "dim"
            return ((f"({marks[0]}{self.label}{marks[1]})", style),)
        return ((f"[{marks[0]}{self.label}{marks[1]}]", style),)

    def action_press(self) -> None:
        if not self.disabled:
            self.post_message(self.Pressed(self))

    def on_click(self, event: events.Click) -> None:
        self.action_press()


class Tick(Control):
    """A check box, `[x] label`."""

    BINDINGS = [
        Binding("space", "turn", "Tick", show=False),
        Binding("enter", "settle", "Go on", show=False),  # a tick turned in passing is easily missed
    ]

    def __init__(self, label: str, value: bool = False, id: str | None = None, hint: str = "") -> None:
        super().__init__(id=id)
        self.label, self.value, self.hint = label, value, hint

    def line(self) -> Line:
        style = "button-focus" if in_focus(self) else "bold" if self.value else ""
        box = (f"[{'x' if self.value else ' '}] {self.label}", style)
        return (box, (f"   {self.hint}", "dim")) if self.hint else (box,)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def _rows(self, width: int) -> list[Line]:
        """The box, and its hint below it where it has no room beside."""
        box, *hints = self.line()
        if not hints or sum(cell_len(text) for text, _ in (box, *hints)) <= width:
            return [(box, *hints)]
        return [(box,), ((f"    {self.hint}", "dim"),)]

    def render_line(self, y: int) -> Strip:
        rows = self._rows(self.size.width) if self.size.height > 1 else [self.line()]
        return strip_of(self, rows[y] if y < len(rows) else (), self.size.width)

    def action_turn(self) -> None:
        self.value = not self.value
        self.refresh()
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        self.action_turn()


class Choice(Control):
    """One of a few, `(•) this  ( ) that`; left, right and space move the choice."""

    BINDINGS = [
        Binding("left,h,up", "step(-1)", "Before", show=False),
        Binding("right,l,down,space", "step(1)", "Next", show=False),
        Binding("enter", "settle", "Go on", show=False),
    ]

    def __init__(self, labels: Sequence[str], value: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.labels, self.value = tuple(labels), value

    def line(self) -> Line:
        pieces: list[tuple[str, str]] = []
        for index, label in enumerate(self.labels):
            current = index == self.value
            style = ("button-focus" if in_focus(self) else "bold") if current else ""
            pieces.append((f"{'  ' if index else ''}", ""))
            pieces.append((f"({'•' if current else ' '}) {label}", style))
        return tuple(pieces)

    def pick(self, value: int) -> None:
        """Choose by number, from 0."""
        if value != self.value and 0 <= value < len(self.labels):
            self.value = value
            self.refresh()
            self.post_message(self.Changed(self))

    def action_step(self, by: int) -> None:
        self.pick((self.value + by) % len(self.labels))

    def on_click(self, event: events.Click) -> None:
        self.action_step(1)
