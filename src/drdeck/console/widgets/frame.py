"""The lines above and below every screen: who, where, warnings and clock; keys and the last word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drdeck.model.text import clean
from drdeck.model.times import show_clock

from ..show import Line, Piece, cut, hour, second, spread, width_of
from ..state import State
from .lines import Lines


def warnings_of(state: State) -> list[str]:
    """Lasting warnings in a few words each, the gravest first."""
    found: list[str] = []
    listing = state.listing
    if state.lost is not None:
        found.append("NO CONTROLLER")
    if listing is not None:
        if listing.journal_error:
            found.append("JOURNAL FAILS")
        if listing.stale_s is not None:
            since = f" since {second(listing.seen_at)}" if listing.seen_at else ""
            found.append(f"STALE{since}")
    asks = state.question()
    if asks is not None:
        found.append(f"ASKS: {cut(clean(asks.domain), 20)}")
    if state.read_only:
        found.append("READ-ONLY")
    if listing is not None:
        if listing.kind == "training":
            found.append("TRAINING")
        found.extend(clean(warning) for warning in listing.warnings)
    return found


def top_line(state: State, now: datetime, width: int) -> Line:
    """The first line of every screen."""
    start: Line = ((" drdeck ", "top-name"), (f" {clean(state.site)} · recovery site", ""))
    clock: Piece = (f"  {hour(now)} ", "bold")
    end: list[Piece] = []
    session = state.longest_session(now)
    if session is not None:
        end.append((f" UNPROTECTED {cut(clean(session[0].name), 24)} {show_clock(session[1])} ", "top-alert"))
    room = width - min(24, width_of(start)) - width_of((*end, clock)) - 4
    waiting = warnings_of(state)
    shown: list[Piece] = []
    while waiting:
        text = f" {waiting[0]} "
        left_over = 4 if len(waiting) > 1 else 0
        if len(text) > room - left_over:
            if not shown and room > 14 and not session:
                shown.append((cut(text, room - left_over), "bad"))
                waiting.pop(0)
            break
        shown.append((text, "bad"))
        room -= len(text)
        waiting.pop(0)
    if waiting:
        shown.append((f" +{len(waiting)} ", "bad"))
    return spread(start, (*shown, *end, clock), width)


class TopLine(Lines):
    """Site, role, lasting warnings, the longest unprotected session, the site's clock (UTC)."""

    DEFAULT_CSS = "TopLine { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__((), under="top", id="top")

    def take(self, state: State, now: datetime) -> None:
        self.put([top_line(state, now, self.size.width or self.app.size.width)])


class KeyLine(Lines):
    """The keys of a screen; while there is something to say, that instead."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    def __init__(self) -> None:
        super().__init__((), id="keys")
        self._keys: Sequence[tuple[str, str]] = ()
        self._said = ""

    def keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show (key, what it does) pairs, as many as fit."""
        self._keys = keys
        self._draw()

    def say(self, text: str) -> None:
        """A sentence instead of the keys; nothing brings them back."""
        self._said = text
        self._draw()

    @property
    def said(self) -> str:
        return self._said

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._said:
            self.put([((f" {clean(self._said)}", "warn"),)])
            return
        pieces: list[Piece] = []
        room = self.size.width or 80
        for key, text in self._keys:
            piece = (f" {key}", "key"), (f" {text} ", "")
            if room < width_of(piece):
                break
            pieces.extend(piece)
            room -= width_of(piece)
        self.put([tuple(pieces)])
