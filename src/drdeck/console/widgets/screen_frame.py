"""The lines above and below every screen: who, where, warnings and clock; keys and the last word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from drdeck.console.format import Line, Piece, cut, cut_middle, hour, second, spread, width_of
from drdeck.console.state import State
from drdeck.model.text import clean
from drdeck.model.times import show_clock

from .text_lines import Lines


def grave_warnings_of(state: State) -> list[str]:
    """Warnings that make the rest of the screen doubtful, the gravest first; never left out."""
    warnings: list[str] = []
    listing = state.listing
    if state.lost is not None:
        warnings.append("NO CONTROLLER")
    if listing is not None:
        if listing.stale_s is not None and listing.seen_at is not None:
            warnings.append(f"STALE since {second(listing.seen_at)}")
        elif listing.needs_password:
            warnings.append("PASSWORD WANTED")
        elif listing.stale_s is not None:
            warnings.append("NOT SEEN YET")
        if listing.journal_error:
            warnings.append("JOURNAL FAILS")
    return warnings


def warnings_of(state: State) -> list[str]:
    """The other lasting warnings in a few words each, the gravest first."""
    warnings: list[str] = []
    listing = state.listing
    asks = state.question()
    if asks is not None:
        warnings.append(f"ASKS: {cut(clean(asks.domain), 20)}")
    if state.read_only:
        warnings.append("READ-ONLY")
    if listing is not None:
        if listing.kind == "training":
            speed = 1 if listing.clock is None else listing.clock.speed
            warnings.append("TRAINING" if speed == 1 else f"TRAINING x{speed:g}")
        warnings.extend(clean(warning) for warning in listing.warnings)
    return warnings


def top_line(state: State, now: datetime, width: int) -> tuple[Line, list[str]]:
    """The first line of every screen, and the warnings that it has no room for."""
    site = clean(state.site)
    start: Line = ((" drdeck ", "top-name"), (f" {site} · recovery site", ""))
    short: Line = ((" drdeck ", "top-name"), (f" {cut(site, 14)}", ""))
    clock: Piece = (f"  {hour(now)} ", "bold")
    grave, others = grave_warnings_of(state), warnings_of(state)
    session = state.longest_session(now)
    room = width - width_of((*short, clock)) - 1
    unprotected: list[Piece] = []
    if session is not None:
        name, since = clean(session[0].name), show_clock(session[1])
        needed = len(f" UNPROTECTED  {since} ") + (len(_word(grave[0])) + 2 + 4 if grave else 0)
        others_need = sum(cell_len(text) + 2 for text in (*grave[1:], *others))
        name = cut_middle(name, max(4, min(24, room - needed, max(12, room - needed - others_need))))
        unprotected.append((f" UNPROTECTED {name} {since} ", "top-alert"))
        room -= width_of(tuple(unprotected))
    pieces: list[Piece] = []
    hidden: list[str] = []
    count = len(grave) + len(others)
    for place, text in enumerate((*grave, *others), 1):
        free = room - (4 if place < count else 0)
        texts = [text, _word(text)] if place <= len(grave) else [text]
        fitting = next((t for t in texts if width_of(((f" {t} ", ""),)) <= free), None)
        if fitting is None and place == 1 and free > 8:
            fitting = cut(text, free - 2)
        if fitting is None:
            hidden = [*grave, *others][place - 1 :]
            pieces.append((f" +{len(hidden)} ", "bad"))
            break
        pieces.append((f" {fitting} ", "bad"))
        room -= width_of((pieces[-1],))
    end = (*pieces, *unprotected, clock)
    return spread(start if width_of((*start, *end)) <= width else short, end, width), hidden


def _word(warning: str) -> str:
    """A warning at its shortest: "STALE since 10:39:21Z" without the time."""
    return warning.partition(" since ")[0]


class TopLine(Lines):
    """Site, role, lasting warnings, the longest unprotected session, the site's clock (UTC)."""

    DEFAULT_CSS = "TopLine { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__((), under="top", id="top")

    def take(self, state: State, now: datetime) -> None:
        self.put([top_line(state, now, self.size.width or self.app.size.width)[0]])


class KeyLine(Lines):
    """The keys of a screen; while there is something to say, that instead."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    def __init__(self) -> None:
        super().__init__((), id="keys")
        self._keys: Sequence[tuple[str, str]] = ()
        self._said = ""

    def keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show (key, what it does) pairs, as many as fit; one without a key is dimmed."""
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
            piece: Line = ((f" {key}", "key"), (f" {text} ", "")) if key else ((f" {text} ", "dim"),)
            if room < width_of(piece):
                break
            pieces.extend(piece)
            room -= width_of(piece)
        self.put([tuple(pieces)])
