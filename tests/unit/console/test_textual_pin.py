"""The console writes frames itself, through parts of Textual that are not promised to stay. Textual is
pinned for that; whoever moves the pin learns here what to read again, instead of from a garbled screen."""

from __future__ import annotations

import inspect
from hashlib import blake2b
from importlib.metadata import requires, version
from typing import Any

import pytest
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen
from textual.scrollbar import ScrollBarRender

from drdeck.console.app import DrdeckApp
from drdeck.console.terminal.diff_writer import Patch
from drdeck.console.widgets.row_list import CharacterBar

ADVICE = (
    "Textual has changed {what}, which console/{ours} stands in for. Read both, see the bytes of"
    " tests/e2e/terminal/test_thin_line.py and the screens, then write {digest!r} here."
)

KNOWN: dict[str, tuple[Any, str, str]] = {
    "App._display": (App._display, "app.py and console/terminal/diff_writer.py", "332affc2ca96"),
    "App._fatal_error": (App._fatal_error, "app.py", "a9ca279d5c6f"),
    "ChopsUpdate": (ChopsUpdate, "terminal/diff_writer.py", "8bedd79cdb44"),
    "LayoutUpdate": (LayoutUpdate, "terminal/diff_writer.py", "88a19c19d71c"),
    "Compositor.render_strips": (Compositor.render_strips, "app.py", "6f7b857525b5"),
    "ScrollBarRender.render_bar": (ScrollBarRender.render_bar, "widgets/row_list.py", "728f9416b750"),
}
"""What is stood in for -> (it, where, the hash of its source)"""


def test_textual_is_pinned() -> None:
    pins = [need for need in requires("drdeck") or () if need.partition("=")[0].strip() == "textual"]
    assert pins == [f"textual=={version('textual')}"]


@pytest.mark.parametrize("what", KNOWN)
def test_what_is_stood_in_for_is_as_it_was(what: str) -> None:
    original, ours, before = KNOWN[what]
    digest = blake2b(inspect.getsource(original).encode(), digest_size=6).hexdigest()
    assert digest == before, ADVICE.format(what=what, ours=ours, digest=digest)


def test_what_is_used_is_there() -> None:
    """Names that Textual has for itself."""
    assert {"_batch_count", "_running"} <= set(vars(App(ansi_color=True))), "App's own state"
    assert isinstance(Screen()._compositor, Compositor)
    assert issubclass(Patch, CompositorUpdate)
    for ours, theirs in (
        (DrdeckApp._display, App._display),
        (CharacterBar.render_bar, ScrollBarRender.render_bar),
    ):
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
