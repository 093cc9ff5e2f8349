"""The lines above and below every screen: who, where, warnings and clock; keys and the last word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from textual.widget import Widget

from drdeck.console.attention import asking, protected_answers
from drdeck.console.format import Line, Piece, age, arrows, cut, cut_middle, hour, second, spread, width_of
from drdeck.console.site_mark import UNMARKED, SiteMark
from drdeck.console.state import State
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.text import clean
from drdeck.model.times import show_clock
from drdeck.terminal_info import FULL_WIDTH

from .text_lines import KeyedLines, Lines

HELP = BY_NAME["help"].label
"""The key that tells of all others: where the line is short it is the last to go."""
_ARROWS = frozenset("←→")
LEAST_SITE = 7
"""Cells of the site's name where the line is short, and warnings want the room."""
PROTECTED_ANSWERS = "PROTECTED SITE ANSWERS since"


class TypedInto:
    """Mark of the widgets that take what is typed; they are imported when there is one."""


def beside_typing(keys: Sequence[tuple[str, str]], focused: Widget | None) -> list[tuple[str, str]]:
    """The (key, what it does) pairs that do it where the focus is: a field takes what can be typed."""
    if not isinstance(focused, TypedInto):
        return list(keys)
    return [(key, does) for key, does in keys if not key or not any(map(_typed, key.split()))]


def _typed(key: str) -> bool:
    """True if a key, as it is written on the screen, writes or moves in a field."""
    return key in ("space", "0-9") or key in _ARROWS or (len(key) == 1 and key.isascii())


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
    answers = protected_answers(state)
    if answers:
        warnings.append(f"{PROTECTED_ANSWERS} {hour(min(answers.values()))}")
    return warnings


def warnings_of(state: State) -> list[str]:
    """The other lasting warnings in a few words each; the list of all alarms (`A`) has them in full."""
    listing = state.listing
    read_only = ["READ-ONLY"] if state.read_only else []
    return read_only + ([] if listing is None else [clean(warning) for warning in listing.warnings])


def training_of(state: State, short: bool = False) -> str:
    """The mark of a training site with its speed: "TRAINING x60", "TRN x60"; empty elsewhere."""
    listing = state.listing
    if listing is None or listing.kind != "training":
        return ""
    speed = 1 if listing.clock is None else listing.clock.speed
    word = "TRN" if short else "TRAINING"
    return word if speed == 1 else f"{word} x{speed:g}"


def counted(state: State, now: datetime, short: bool = False) -> list[str]:
    """The numbers of those that need somebody: "2 ASK", "32 UNPROTECTED, longest 7h27"; one is named."""
    counts: list[str] = []
    questions = asking(state)
    if questions:
        where = "" if short or len(questions) > 1 else f": {cut(clean(questions[0].domain), 20)}"
        counts.append(f"{len(questions)} ASK{where}")
    sessions = [(s, d.name) for d in state.domains if (s := d.unprotected_s(now)) is not None]
    if not sessions:
        return counts
    longest, name = max(sessions)
    if len(sessions) > 1:
        words = f"{age(longest)}" if short else f"longest {age(longest)}"
        return [*counts, f"{len(sessions)} UNPROTECTED, {words}"]
    return [*counts, f"UNPROTECTED {cut_middle(clean(name), 8 if short else 24)} {show_clock(longest)}"]


def top_line(state: State, now: datetime, width: int, mark: SiteMark = UNMARKED) -> tuple[Line, list[str]]:
    """The first line of every screen, always one: what needs somebody is counted, never left out.

    Returns it with the warnings that it has no room for; it says how many those are.
    """
    site = clean(mark.label or state.site)
    style = mark.style
    starts: list[Line] = [
        ((" drdeck ", "top-name"), (f" {site} (recovery) ", style)),
        ((" drdeck ", "top-name"), (f" {cut(site, 20)} ", style)),
        ((f" {cut(site, 14)} ", style or "top-name"),),
    ]
    clock: Piece = (f" {hour(now)} ", "bold")
    grave, others = grave_warnings_of(state), warnings_of(state)
    for level in range(3):
        training = training_of(state, short=level > 0)
        fixed: list[Piece] = [(f" {training} ", "training")] if training else []
        fixed += [(f" {text} ", "top-alert") for text in counted(state, now, short=level > 1)]
        grave_words = [_word(text) for text in grave] if level > 0 else grave
        needed = width_of((*fixed, clock))
        needed += sum(cell_len(text) + 2 for text in (*grave_words, *others))
        start = next((start for start in starts if width_of(start) + needed < width), None)
        if start is not None and (level > 0 or start is starts[0]):
            pieces: list[Piece] = [(f" {text} ", "bad") for text in (*grave_words, *others)]
            return spread(start, (*pieces, *fixed, clock), width), []
    least = starts[-1]
    if width < FULL_WIDTH:
        least = ((f" {cut(site, LEAST_SITE)} ", style or "top-name"),)
    return _crowded([_word(text) for text in grave], others, fixed, least, clock, width)


def _crowded(
    grave: list[str], others: list[str], fixed: list[Piece], start: Line, clock: Piece, width: int
) -> tuple[Line, list[str]]:
    """The top line where not all warnings have room: the gravest, and how many are left out."""
    room = width - width_of((*start, *fixed, clock)) - 4
    pieces: list[Piece] = []
    warnings = [*grave, *others]
    while warnings and cell_len(warnings[0]) + 2 <= room:
        pieces.append((f" {warnings.pop(0)} ", "bad"))
        room -= width_of((pieces[-1],))
    if warnings and not pieces and room > 8:
        pieces.append((f" {cut(warnings.pop(0), room - 2)} ", "bad"))
    more: list[Piece] = [(f" +{len(warnings)} ", "bad")] if warnings else []
    return spread(start, (*pieces, *more, *fixed, clock), width), warnings


def _word(warning: str) -> str:
    """A warning at its shortest: "STALE since 10:39:21Z" without the time, which screens have elsewhere."""
    if warning.startswith(PROTECTED_ANSWERS):
        return warning.replace(PROTECTED_ANSWERS, "SITE ANSWERS")
    return warning.partition(" since ")[0]


class TopLine(Lines):
    """Site, role, lasting warnings, what needs somebody in numbers, the site's clock (UTC)."""

    DEFAULT_CSS = "TopLine { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__((), under="top", id="top")

    def take(self, state: State, now: datetime) -> None:
        mark: SiteMark = getattr(self.app, "mark", UNMARKED)
        self.put([top_line(state, now, self.size.width or self.app.size.width, mark)[0]])


class KeyLine(KeyedLines):
    """The keys of a screen; while there is something to say, that instead."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    def __init__(self) -> None:
        super().__init__((), id="keys")
        self._keys: Sequence[tuple[str, str]] = ()
        self._lasting: Sequence[tuple[str, str]] = ()
        self._sentence = ""

    def keys(self, keys: Sequence[tuple[str, str]], lasting: Sequence[tuple[str, str]] = ()) -> None:
        """Show (key, what it does) pairs, as many as fit; one without a key is dimmed. `lasting` ones come
        first, and stand also behind a sentence."""
        self._keys, self._lasting = [*lasting, *keys], lasting
        self._draw()

    def say(self, text: str) -> None:
        """A sentence instead of the keys; nothing brings them back."""
        self._sentence = text
        self._draw()

    @property
    def sentence(self) -> str:
        return self._sentence

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        room = self.size.width or 80
        behind = sum(width_of(((f" {key} {text} ", ""),)) for key, text in self._lasting)
        text = cut(clean(self._sentence), room - behind - 2)
        pieces: list[Piece] = [(f" {text} ", "said")] if self._sentence else []
        room -= width_of(tuple(pieces))
        keys = self._lasting if self._sentence else self._keys
        help_key = [pair for pair in keys if pair[1] == HELP] if room < FULL_WIDTH else []
        kept = sum(width_of(_piece(*pair)) for pair in help_key)
        for pair in keys:
            piece = _piece(*pair)
            if pair in help_key:
                kept = 0
            if room - kept < width_of(piece):
                pieces.extend(_piece(*help_key[0]) if kept else ())
                break
            pieces.extend(piece)
            room -= width_of(piece)
        self.put([tuple(pieces)])


def _piece(key: str, text: str) -> Line:
    """A key of the line and what it does; without a key it is dimmed."""
    return ((f" {arrows(key)}", "key"), (f" {text} ", "")) if key else ((f" {text} ", "dim"),)
