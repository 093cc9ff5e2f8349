"""The looks: themes, the styles that drawn lines name, plain ASCII where that is wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import BUILTIN_THEMES, Theme

from drdeck.config.settings import ConsoleSettings
from drdeck.model.text import LIKENESS, hides
from drdeck.terminal_info import ascii_only, theme_of


def _scroll_bar(bar: str, back: str) -> dict[str, str]:
    """The colours of the scroll bar's characters, the same whatever is done with it."""
    bars = {f"scrollbar{state}": bar for state in ("", "-hover", "-active")}
    backs = {f"scrollbar-background{state}": back for state in ("", "-hover", "-active")}
    return {**bars, **backs, "scrollbar-corner-color": back}


DARK = Theme(
    name="drdeck-dark",
    primary="#4ea1d3",
    secondary="#7fb8a4",
    warning="#e0b050",
    error="#e06c62",
    success="#7fc97f",
    accent="#4ea1d3",
    foreground="#d8d8d8",
    background="#14181c",
    surface="#14181c",
    panel="#20262c",
    dark=True,
    variables=_scroll_bar("#6c7a88", "#14181c"),
)
LIGHT = Theme(
    name="drdeck-light",
    primary="#005a9c",
    secondary="#2f6f5a",
    warning="#8a5a00",
    error="#b00020",
    success="#1f6f2f",
    accent="#005a9c",
    foreground="#1c1c1c",
    background="#fafafa",
    surface="#fafafa",
    panel="#e8e8e8",
    dark=False,
    variables=_scroll_bar("#6c7a88", "#fafafa"),
)
_ANSI_VARIABLES = {
    **BUILTIN_THEMES["ansi-dark"].variables,
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_default",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    **_scroll_bar("ansi_default", "ansi_default"),
}
"""Textual's own, with nothing that hides on a terminal whose colours are turned round."""


def _ansi_theme(name: str, primary: str, warning: str, error: str, success: str) -> Theme:
    """A theme in the terminal's own colours."""
    return Theme(
        name=name,
        ansi=True,
        primary=primary,
        secondary=primary,
        warning=warning,
        error=error,
        success=success,
        accent=primary,
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={**_ANSI_VARIABLES, "border": primary},
    )


ANSI = _ansi_theme("drdeck-ansi", "ansi_cyan", "ansi_yellow", "ansi_red", "ansi_green")
MONO = _ansi_theme("drdeck-mono", *["ansi_default"] * 4)
THEMES = {"dark": DARK, "light": LIGHT, "ansi": ANSI, "mono": MONO}

_STYLES: Mapping[str, Mapping[str, str]] = {
    "dark": {
        "dim": "#95a0aa", "bold": "bold", "head": "bold #9fb4c4", "accent": "#6cb6e4", "key": "bold #6cb6e4",
        "said": "#6cb6e4", "training": "bold #14181c on #b294d8",
        "ok": "#7fc97f", "warn": "#e0b050", "bad": "bold #f08078", "alert": "bold #14181c on #e0b050",
        "top-alert": "bold #14181c on #e0b050",
        "cursor": "bold #ffffff on #2f5f80", "idle-cursor": "on #2a323a", "top": "#d8d8d8 on #20262c",
        "button": "#d8d8d8 on #303840", "button-focus": "bold #14181c on #9fd0f0",
    },
    "light": {
        "dim": "#5c6670", "bold": "bold", "head": "bold #3c5468", "accent": "#005a9c", "key": "bold #005a9c",
        "said": "#005a9c", "training": "bold #ffffff on #6a3f9c",
        "ok": "#1f6f2f", "warn": "#8a5a00", "bad": "bold #b00020", "alert": "bold #ffffff on #8a5a00",
        "top-alert": "bold #ffffff on #8a5a00",
        "cursor": "bold #ffffff on #005a9c", "idle-cursor": "on #dfe6ec", "top": "#1c1c1c on #e0e4e8",
        "button": "#1c1c1c on #d4dae0", "button-focus": "bold #ffffff on #005a9c",
    },
    "ansi": {
        "dim": "", "bold": "bold", "head": "bold", "accent": "cyan", "key": "bold cyan",
        "said": "cyan", "training": "bold white on magenta not reverse",
        "ok": "green", "warn": "yellow", "bad": "bold red", "alert": "bold black on yellow",
        "cursor": "reverse", "idle-cursor": "bold", "top": "reverse",
        "button": "", "button-focus": "bold reverse", "top-alert": "bold black on yellow not reverse",
    },
    "mono": {
        "dim": "", "bold": "bold", "head": "bold", "accent": "", "key": "bold",
        "said": "bold", "training": "bold not reverse",
        "ok": "", "warn": "bold", "bad": "bold", "alert": "bold reverse",
        "cursor": "reverse", "idle-cursor": "bold", "top": "reverse",
        "button": "", "button-focus": "bold reverse", "top-alert": "bold not reverse",
    },
}  # fmt: skip


SITE_COLOURS = {
    "red": "bold #ffffff on #b3261e",
    "green": "bold #14181c on #6fbf73",
    "blue": "bold #ffffff on #2f62b5",
    "cyan": "bold #14181c on #5bc0c9",
    "white": "bold #14181c on #e8e8e8",
}
"""Colours that a site can have by the settings; amber means "needs you" alone, magenta training."""


def _site_styles(theme: str) -> dict[str, str]:
    """The styles of sites' marks in a look: with 16 colours their names, without any reversed."""
    if theme == "mono":
        return {f"site-{name}": "bold not reverse underline" for name in SITE_COLOURS}
    if theme == "ansi":
        return {
            f"site-{name}": f"bold {'black' if name == 'white' else 'white'} on {name} not reverse"
            for name in SITE_COLOURS
        }
    return {f"site-{name}": style for name, style in SITE_COLOURS.items()}


@lru_cache(4096)
def plain(text: str) -> str:
    """`text` in ASCII and of the same width in cells; what has no likeness is a question mark."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else LIKENESS.get(c, "?" * cell_len(c)) for c in text)


@lru_cache(4096)
def harmless(text: str) -> str:
    """`text` of the same width in cells, where what still hides in it is a question mark, or gone."""
    return "".join("?" * cell_len(c) if hides(c) else c for c in text) if hides(text) else text


class HarmlessFilter(LineFilter):
    """The last look at what is drawn: for what was pasted into a field, or forgotten elsewhere."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [s if s.control else Segment(harmless(s.text), s.style) for s in segments]


class AsciiFilter(LineFilter):
    """Makes everything that is drawn ASCII, borders and names included, just before it is written."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(plain(text), style, control) for text, style, control in segments]


class ColourlessFilter(LineFilter):
    """Takes every colour away and leaves bold, reverse and underline."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(t, style.without_color if style else None, c) for t, style, c in segments]


@dataclass(frozen=True)
class Looks:
    """The chosen look. `theme`: dark, light, ansi or mono."""

    theme: str
    ascii: bool
    styles: Mapping[str, Style] = field(default_factory=dict)

    def style(self, name: str) -> Style:
        """The style of that name; an unknown one is the plain style."""
        return self.styles.get(name, _PLAIN)

    @property
    def filters(self) -> list[LineFilter]:
        ascii_filters = [AsciiFilter()] if self.ascii else []
        return [HarmlessFilter(), *ascii_filters, *([ColourlessFilter()] if self.theme == "mono" else [])]


_PLAIN = Style()


def looks_for(settings: ConsoleSettings, environ: Mapping[str, str] | None = None) -> Looks:
    """The look that settings and environment ask for; NO_COLOR means mono."""
    environ = os.environ if environ is None else environ
    theme = theme_of(settings, environ)
    return Looks(
        theme,
        ascii_only(settings, environ),
        {name: Style.parse(text) for name, text in {**_STYLES[theme], **_site_styles(theme)}.items()},
    )
