"""The base of all dialogs: a box over the screen, Cancel in the focus, no ear for a yes in the first half
second, and below them their own keys: those of the screen behind do nothing now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from drdeck.console.format import Line, wrap
from drdeck.console.state import State
from drdeck.console.terminal.size_guard import Room
from drdeck.console.widgets.screen_frame import KeyLine, TypedInto, beside_typing
from drdeck.console.widgets.text_lines import Lines, in_rows, redraw_focus
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.text import clean

if TYPE_CHECKING:
    from drdeck.console.widgets.controls import Push

Answer = TypeVar("Answer")
Subject = TypeVar("Subject")
Result = TypeVar("Result")

DEAF_S = 0.5
"""Enter and space are ignored for so long after a dialog opened: auto-repeat must not confirm anything."""
EARLY = "{} came before this could be read: press it again"
BOX_WIDTH = 80
BESIDE = 6
"""Cells of a box beside its text: frame, padding, and the scroll bar with a blank one before it."""
ROOMY = 24
"""Lines of a terminal from which on there is room for a blank one below the title."""
COACHED = 3
"""Lines that a dialog leaves free in a lesson, one above and two below: what is to be done stands there."""
NEXT, PRESS, CANCEL = ("tab", "Next"), ("enter", "Press"), ("esc", "Cancel")
"""(key, what it does) as the lines below dialogs say it"""
PAGES = ("pgup pgdn", "Read on")
BELOW = "more below: pgdn"
"""On the frame, where there is little room and some of the body is not seen yet."""


class LookResult(Message, Generic[Subject, Result]):
    """The controller's look at a request, or the sentence with which there is none."""

    def __init__(self, request: Subject, result: Result | None, error: str = "") -> None:
        super().__init__()
        self.request, self.result, self.error = request, result, error


class Dialog(ModalScreen[Answer | None]):
    """A modal box. `GUARD`: whether keys that say yes are ignored right after it opened."""

    CSS_PATH = Path(__file__).parent / "dialogs.tcss"
    """read with the first dialog: no list waits for it"""
    AUTO_FOCUS = "#cancel"
    GUARD = True
    BINDINGS = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = clean(title)
        self._opened: float | None = None
        self.hears = False
        """it is drawn, and the focus is where it begins"""
        self._room = Room(self)
        self._width = 0
        """cells of a line in the body, as it was laid out last"""

    def body(self) -> Iterable[Widget]:
        """The widgets between title and buttons."""
        return ()

    def buttons(self) -> Iterable[Push]:
        from drdeck.console.widgets.controls import Push  # no list waits for it

        yield Push("Cancel", id="cancel")

    def keys(self) -> list[tuple[str, str]]:
        """(key, what it does) for the line below."""
        return [NEXT, PRESS, CANCEL]

    @property
    def folds(self) -> bool:
        """True where the box is narrower than its lines usually are."""
        return self.has_class("narrow")

    @property
    def text_width(self) -> int:
        """Cells of a line in the body."""
        return min(BOX_WIDTH, self.app.size.width) - BESIDE

    def resized(self) -> None:
        """The box has another width: lay out anew what was laid out for the one before."""

    def compose(self) -> ComposeResult:
        self._room.measured(self.app.size)
        yield KeyLine()
        with Vertical(id="box"):
            yield Lines(*self._heading_lines(), id="heading")
            with VerticalScroll(id="body", can_focus=False):
                yield from self.body()
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def _heading_lines(self) -> list[Line]:
        return [((part, "head"),) for part in wrap(self.heading, self.text_width + 2)]

    def on_mount(self) -> None:
        self._width = self.text_width
        self._opened = self._monotonic()
        self._fit(self.app.size)
        self.ready()
        self.draw_keys()
        body = self.query_one("#body")
        self.watch(body, "virtual_size", self._grown, init=False)
        self.watch(body, "scroll_y", self._scrolled, init=False)
        self.call_after_refresh(self._drawn)

    def ready(self) -> None:
        """The widgets are there: fill and focus them."""

    def _drawn(self) -> None:
        """Now it is known whether there is more to read, and keys that were typed ahead can come."""
        self.draw_keys()
        self.hears = True
        keys = getattr(self.app, "keys", None)
        if keys is not None:
            keys.stir()

    def _grown(self) -> None:
        """Say below how to read on, where what came later is more than is seen at once."""
        if not any(line.sentence for line in self.query(KeyLine)):
            self.call_after_refresh(self.draw_keys)
        self.call_after_refresh(self._scrolled)

    def _scrolled(self) -> None:
        """Say on the frame that there is more below; where there is room the line below says so."""
        body, box = self.query_one("#body", VerticalScroll), self.query_one("#box")
        more = self._room.little and body.scroll_y < body.max_scroll_y
        if more != bool(box.border_subtitle):
            box.border_subtitle = BELOW if more else ""

    def draw_keys(self) -> None:
        for line in self.query(KeyLine):
            more = self.query_one("#body", VerticalScroll).max_scroll_y > 0
            line.keys([*beside_typing(self.keys(), self.focused), *([PAGES] if more else [])])

    def say(self, text: str) -> None:
        """A sentence in the line below, until the next key."""
        for line in self.query(KeyLine):
            if line.sentence != text:
                line.say(text)

    def say_where_low(self, text: str) -> None:
        """Say in the last line, too, what stands below the edge of a low terminal."""
        if self.has_class("low"):
            self.say(text)

    def on_screen_suspend(self) -> None:
        redraw_focus(self)

    def on_screen_resume(self) -> None:
        redraw_focus(self)

    def on_descendant_focus(self) -> None:
        if self._opened is not None:
            self.draw_keys()

    def on_resize(self, event: events.Resize) -> None:
        self._room.resized(event.size)
        if self._opened is not None:
            if self._width != self.text_width:
                self._width = self.text_width
                self.query_one("#heading", Lines).put(self._heading_lines())
                self.resized()
            self._fit(event.size)
            self.call_after_refresh(self._show_focus)

    def _fit(self, size: Size) -> None:
        """Give the body what title, buttons and the line below leave of the terminal: it scrolls, they are
        always seen. The blank line below the title goes first."""
        title, body = self.query_one("#heading", Lines), self.query_one("#body", VerticalScroll)
        title.styles.margin = 0 if size.height < ROOMY else None
        rows = 1  # the line below
        for widget in (self.query_one("#box"), title, self.query_one("#buttons")):
            if widget.display:
                rows += widget.gutter.height + widget.styles.margin.height
        coached = getattr(self.app, "coach_session", None)
        if coached is not None and not coached.folded and not self.has_class("low"):
            rows += COACHED
        buttons = self.query_one("#buttons")
        button_rows = in_rows(buttons, self.text_width + 2)
        rows += len(title.text.splitlines()) + (button_rows if buttons.display else 0)
        body.styles.max_height = max(1, size.height - rows)

    def _show_focus(self) -> None:
        """Scroll to the focus: its place may have gone out of sight with the terminal's last size."""
        if self.focused is not None:
            self.focused.scroll_visible(animate=False)
        self._scrolled()
        self.draw_keys()

    def _monotonic(self) -> float:
        clock = getattr(self.app, "monotonic", None)
        return float(clock()) if clock is not None else 0.0

    @property
    def deaf(self) -> bool:
        """True while a yes is more likely an accident than an answer."""
        return self.GUARD and (self._opened is None or self._monotonic() - self._opened < DEAF_S)

    def listen_anew(self) -> None:
        """The focus was moved to a yes: it must be read before it is pressed, as if it had just opened."""
        self._opened = self._monotonic()

    def says_yes(self, key: str) -> bool:
        """True for keys that may press something from where the focus is."""
        return key == "enter" or (key == "space" and not isinstance(self.focused, TypedInto))

    def too_early(self, event: events.Key) -> bool:
        """True for a yes that came before anybody could read; it is said that it was dropped."""
        early = self.deaf and self.says_yes(event.key)
        if early:
            self.say(EARLY.format(event.key))
        return early

    def before_key(self, event: events.Key) -> bool:
        """Called before a key goes to the focus, which may be moved for it; True swallows the key."""
        return False

    def look_at(self, request: Subject, look: Callable[[Subject], Awaitable[Result]]) -> None:
        """Have a request looked at, in place of the one before: a `LookResult` comes of it."""
        self.run_worker(self._looking_at(request, look), group="look", exclusive=True)

    async def _looking_at(self, request: Subject, look: Callable[[Subject], Awaitable[Result]]) -> None:
        try:
            result = await look(request)
        except ControllerError as error:
            self.post_message(LookResult(request, None, str(error)))
        else:
            self.post_message(LookResult(request, result))

    def take(self, state: State) -> None:
        """News, for the dialogs that show some."""

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Once: a key that was pressed before it closed must not close what lies beneath."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_page(self, by: int) -> None:
        body = self.query_one("#body", VerticalScroll)
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    def on_push_pressed(self, event: Push.Pressed) -> None:
        event.stop()
        if event.push.id == "cancel":
            self.action_cancel()
        else:
            self.pressed(event.push)

    def on_control_settled(self) -> None:
        """Go on to what comes next; from the last one to the act, which must be read before it is pressed."""
        from drdeck.console.widgets.controls import Push  # no list waits for it

        following = self.focus_next()
        if isinstance(following, Push):
            button = next((push for push in self.query(Push) if push.id != "cancel"), following)
            self.set_focus(button)
            self.listen_anew()

    def pressed(self, push: Push) -> None:
        """Any button but Cancel."""

    def on_click(self, event: events.Click) -> None:
        if self.deaf:
            event.stop()


def paragraph(text: str, classes: str | None = None) -> Static:
    """Words from outside or from us, wrapped; never parsed as markup."""
    return Static(clean(text, lines=True), markup=False, classes=classes or "paragraph")
