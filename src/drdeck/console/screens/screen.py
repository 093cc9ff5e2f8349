"""The base of all full screens: the line above, the line below, and a plain word when there is no room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from drdeck.console.attention import open_questions
from drdeck.console.key_bindings import shown_key
from drdeck.console.ports import Console
from drdeck.console.state import State
from drdeck.console.terminal.size_guard import Room
from drdeck.console.widgets.screen_frame import KeyLine, TopLine, beside_typing
from drdeck.console.widgets.text_lines import Stacked, blank_lines, redraw_focus
from drdeck.model.actions.action_table import BY_NAME
from drdeck.terminal_info import MIN_HEIGHT, MIN_WIDTH

if TYPE_CHECKING:
    from drdeck.console.widgets.coach_panel import CoachPanel
    from drdeck.console.widgets.question_bar import QuestionBar

TOO_SMALL = (
    f"Terminal too small: {{}} x {{}}, needs {MIN_WIDTH} x {MIN_HEIGHT}. Enlarge it, or hide tmux's status"
    " line (prefix : set status off). {} leaves; the work continues."
)


class ConsoleScreen(Screen[None]):
    """A screen that is told the news by `take` and draws them; it asks for nothing by itself.

    `HELP`: which of the action list's screens it counts as.
    """

    HELP = "domain"
    TIMELINE = False
    """it draws the timeline, whose signs the help explains"""
    OWN_KEYS: tuple[tuple[str, str, str], ...] = ()
    """(key, name, what it does) of the keys that only this screen has"""
    BINDINGS = [Binding("escape", "back", "Back", show=False)]

    def __init__(self, domain: str | None = None) -> None:
        super().__init__()
        self.domain_name = domain
        self.failed_at: int | None = None
        """`State.attached` when what is shown could not be read"""
        self._room = Room(self)

    @property
    def desk(self) -> Console:
        return cast(Console, self.app)

    @property
    def state(self) -> State:
        return self.desk.state

    def now(self) -> datetime:
        return self.desk.now()

    def content(self) -> Iterable[Widget]:
        """The widgets between the line above and the line below."""
        return ()

    def keys(self) -> list[tuple[str, str]]:
        """(key, what it does) for the line below."""
        return []

    def take(self, state: State, now: datetime) -> None:
        """Draw what is new. Called with every news and each minute."""

    def reads_again(self, state: State) -> bool:
        """True once after what is shown could not be read, and the controller is attached anew."""
        again = self.failed_at not in (None, state.attached)
        if again:
            self.failed_at = None
        return again

    def each_second(self, state: State, now: datetime) -> None:
        """Draw what runs with the clock, if anything does."""

    def before_key(self, event: events.Key) -> bool:
        """Called before a key goes to the focus, which may be moved for it; True swallows the key.

        Here and not in a key handler, because fast typing is on its way to the old focus by then.
        """
        return False

    def target(self) -> str | None:
        """The domain that an action would be about."""
        return self.domain_name

    def copied(self) -> tuple[str, str] | None:
        """The name of what the copy key takes from here, and its text."""
        target = self.target()
        return None if target is None else ("the domain's name", target)

    @property
    def question_bar(self) -> QuestionBar | None:
        """The bar of what is asked here, on the screens that have one."""
        return cast("QuestionBar | None", next(iter(self.query("QuestionBar")), None))

    def action_answer(self) -> None:
        """Go to the choices of what is asked here; from there to what else is, then to the next domain."""
        bar = self.question_bar
        if bar is not None and bar.asks is not None and not bar.has_focus_within:
            bar.focus_choices()
        elif bar is None or not bar.show_next():
            self.desk.action_runner.next_question()

    def on_question_bar_choice_made(self, event: QuestionBar.ChoiceMade) -> None:
        self.desk.action_runner.answer(event.question, event.choice)

    def take_question(self, state: State) -> None:
        """Show what is asked of the screen's domain, with the key for it."""
        bar = self.question_bar
        if bar is None:
            return
        before = bar.asks is not None
        bar.take(open_questions(state, self.domain_name or ""))
        if before != (bar.asks is not None):
            self.draw_keys()

    def named(self, *names: str) -> list[tuple[str, str]]:
        """(key, label) of these actions, for the line below."""
        return [(shown_key(name, self.desk.remapped), BY_NAME[name].label) for name in names]

    def watched(self) -> str | None:
        """The domain whose insides the screen shows."""
        return self.domain_name

    def follow_target(self) -> None:
        """Have the insides of the domain sent that this screen shows; not while another full screen lies over
        it, which is told of its own."""
        full = [screen for screen in self.desk.screen_stack if isinstance(screen, ConsoleScreen)]
        if full and full[-1] is self:
            self.desk.watch_domain(self.watched())

    @property
    def low(self) -> bool:
        """True where the lines that matter least are left out."""
        return self.has_class("low")

    @property
    def narrow(self) -> bool:
        """True where lines are folded, and columns left out."""
        return self.has_class("narrow")

    def compose(self) -> ComposeResult:
        self._room.measured(self.desk.size)
        yield TopLine()
        with Stacked(id="content"):
            yield from self.content()
        if self.desk.coach_session is not None:
            from drdeck.console.widgets.coach_panel import CoachPanel

            yield CoachPanel(id="coach")
        yield KeyLine()
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        self.ready()
        self.draw_keys()

    def ready(self) -> None:
        """The widgets are there: set them up."""

    def draw_keys(self) -> None:
        for line in self.query(KeyLine):  # none yet, or no more, while the app starts or ends
            line.keys(beside_typing(self.keys(), self.focused), beside_typing(self._results(), self.focused))

    def _results(self) -> list[tuple[str, str]]:
        """The key of the results, while some wait."""
        unread = self.desk.notifications.unread
        label = f"{BY_NAME['results'].label} ({unread})"
        return [(shown_key("results", self.desk.remapped), label)] if unread else []

    def on_descendant_focus(self) -> None:
        self.draw_keys()

    def say(self, text: str) -> None:
        """A sentence in the line below, until the next key; empty brings the keys back."""
        for line in self.query(KeyLine):
            if line.sentence != text:
                line.say(text)

    def unsay(self, text: str) -> None:
        """Bring the keys back if this sentence still stands there."""
        for line in self.query(KeyLine):
            if line.sentence == text:
                line.say("")

    def render_lines(self, crop: Region) -> list[Strip]:
        return blank_lines(self, crop)

    def _compositor_refresh(self) -> None:
        """Textual's own; not while the first news are about to come: all would be drawn once more."""
        if self.desk.drawing:
            super()._compositor_refresh()

    def on_screen_suspend(self) -> None:
        redraw_focus(self)

    def on_screen_resume(self) -> None:
        redraw_focus(self)
        self.follow_target()
        self.desk.redraw(self)

    def on_resize(self, event: events.Resize) -> None:
        leaves = shown_key("detach", self.desk.remapped)
        self.query_one("#too-small", Static).update(TOO_SMALL.format(*event.size, leaves))
        self._room.resized(event.size)
        self.call_after_refresh(self.desk.redraw, self)

    def draw(self) -> None:
        """All of it from the newest state; nothing while the screen is still being built."""
        if not self.query(TopLine):
            return
        now = self.now()
        self.query_one(TopLine).take(self.state, now)
        self.draw_coach()
        self.take(self.state, now)
        self.draw_keys()

    def draw_coach(self) -> None:
        """The coach's panel, where a lesson is played."""
        session = self.desk.coach_session
        if session is not None:
            for panel in self.query("CoachPanel"):
                cast("CoachPanel", panel).take(session.coach, session.folded)

    def tick(self, minute: bool) -> None:
        """A second has passed; with `minute` the clock shows another one."""
        now = self.now()
        if minute or not self.query(TopLine):
            self.draw()
            return
        if self.state.longest_session(now) is not None:
            self.query_one(TopLine).take(self.state, now)
        self.each_second(self.state, now)

    def action_back(self) -> None:
        if self.desk.dialog_queue.give_up():
            return
        # once: a key that was pressed before it closed must not close what lies beneath
        if len(self.desk.screen_stack) > 1 and self.desk.screen is self:
            self.dismiss(None)
