"""Frames of the terminal: put together from what Textual has drawn of them, they are as if drawn whole."""

from __future__ import annotations

import random
from typing import Any

from rich.console import RenderableType
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Static

from drdeck.console.terminal.diff_writer import Frame, cells_of

WORDS = ("erp-prod", "会計システム", "e\u0301te\u0301", "In sync 12/20", "", "[b]x[/b] long " * 9)
ROUNDS = 60


class Dialog(ModalScreen[None]):
    DEFAULT_CSS = (
        "Dialog { align: center middle; } Dialog Static { width: 21; height: 3; border: round red; }"
    )

    def compose(self) -> ComposeResult:
        yield Static("a dialog", id="d")


class Drawn(App[None]):
    """Compares each frame with the screen drawn whole; `whole` counts those that had to be."""

    CSS = "Horizontal Static { width: 1fr; height: 3; border: tall blue; } #line { height: 1; width: 37; }"

    def __init__(self) -> None:
        super().__init__()
        self._frame = Frame()
        self.frames = self.whole = 0
        self.wrong: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static("head", id="line")
        with Vertical():
            for row in range(4):
                with Horizontal():
                    for column in range(3):
                        yield Static("x", id=f"w{row}{column}")

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate) and screen is self.screen:

            def drawn() -> list[Strip]:
                self.whole += 1
                return screen._compositor.render_strips(self.size)

            self._frame.after(renderable, screen, self.size, drawn)
            self.frames += 1
            put, want = self._frame._strips, screen._compositor.render_strips(self.size)
            for y, (line, right) in enumerate(zip(put, want, strict=True)):
                if cells_of(line) != cells_of(right):
                    self.wrong.append(f"{y}: {line.text!r} instead of {right.text!r}")
        super()._display(screen, renderable)


async def test_a_frame_is_the_same_as_drawn_whole() -> None:
    chance = random.Random(13)
    app = Drawn()
    async with app.run_test(size=(80, 24)) as pilot:
        for number in range(ROUNDS):
            widgets = list(app.screen_stack[0].query(Static))
            for widget in chance.sample(widgets, chance.randint(1, 3)):
                widget.update(chance.choice(WORDS))
            if number % 7 == 0:
                await app.push_screen(Dialog())
            elif number % 7 == 3 and isinstance(app.screen, Dialog):
                app.pop_screen()
            elif number % 11 == 0:
                chance.choice(widgets).display = chance.random() < 0.5
            elif number % 13 == 0:
                app.screen_stack[0].query_one("#line").styles.width = chance.randint(5, 70)
            if number == 40:
                await pilot.resize_terminal(70, 30)
            await pilot.pause()
    assert app.wrong == []
    assert app.frames > ROUNDS / 2 and app.whole < app.frames / 4, (app.frames, app.whole)


def test_after_a_dropped_update_all_is_drawn() -> None:
    frame, drawn = Frame(), []

    def whole() -> list[Strip]:
        drawn.append(1)
        return [Strip.blank(10)]

    frame.patch([Strip.blank(10)], Size(10, 1))
    frame.doubt()
    update = ChopsUpdate([{0: Strip.blank(10)}], [(0, 0, 10)], [[10]])
    for times in (1, 1):
        frame.after(update, frame, Size(10, 1), whole)
        assert len(drawn) == times
    frame.doubt()
    frame.after(update, frame, Size(10, 1), whole)
    assert len(drawn) == 2
