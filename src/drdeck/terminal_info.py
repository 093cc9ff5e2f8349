"""The terminal that drdeck draws on: size, colours, characters, tmux; and what to do about them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import TextIO

from drdeck.config.settings import ConsoleSettings
from drdeck.model.alarms import Finding

MIN_WIDTH, MIN_HEIGHT = 60, 16
"""Columns and rows that the console needs: a pane of a split, or a telephone."""
FULL_WIDTH, FULL_HEIGHT = 80, 22
"""Columns and rows that the screens are laid out for, a common window less a status line and the border of a
split; in fewer they fold, and leave out what matters less."""
_USUAL = (80, 24)
"""Columns and rows of a terminal that does not tell, as a serial line does not."""
_ANSI = (
    r"(xterm|screen|tmux|rxvt|linux|vt[1-5]\d\d|ansi|putty|alacritty|foot|kitty|ghostty|wezterm|contour"
    r"|konsole|gnome|vte|st|mintty|iterm|eterm|cygwin|nsterm|mlterm)\b"
)
"""Families of terminals that take the standard sequences, whether or not a host has a description of them."""
_COLOURS = {"truecolor": "16 million", "256": "256", "standard": "16"}
_TMUX_S = 2.0
_HAND_ON = "tmux set -g allow-passthrough on"


def _locale(environ: Mapping[str, str]) -> str:
    """Of the terminal, from the variables in the order that C gives them; nothing set is the C locale,
    whatever Python makes of it for itself."""
    return next((v for name in ("LC_ALL", "LC_CTYPE", "LANG") if (v := environ.get(name))), "C")


def is_utf8(environ: Mapping[str, str] | None = None) -> bool:
    """True if the terminal's locale says UTF-8."""
    return "utf8" in _locale(os.environ if environ is None else environ).lower().replace("-", "")


def typed(data: bytes, environ: Mapping[str, str] | None = None) -> str:
    """Text that a terminal sent: UTF-8, and what is none as its locale has it, or as U+FFFD."""
    _, _, coding = _locale(os.environ if environ is None else environ).partition(".")
    coding = coding.partition("@")[0]
    text, done = "", 0
    while done < len(data):
        try:
            return text + data[done:].decode("utf-8")
        except UnicodeDecodeError as error:
            start, end = done + error.start, done + error.end
            text += data[done:start].decode("utf-8") + _decoded(data[start:end], coding)
            done = end
    return text


def is_terminal(*streams: TextIO | None) -> bool:
    """True if all of these are terminals; one that is missing or closed is none."""
    try:
        return all(stream is not None and stream.isatty() for stream in streams)
    except ValueError:
        return False


def terminal_size(environ: Mapping[str, str] | None = None) -> tuple[int, int] | None:
    """Columns and rows of the terminal that this program was started on; None without one.

    What the terminal does not know, and tells as 0, is taken from COLUMNS and LINES, else as usual.
    """
    for stream in (sys.__stderr__, sys.__stdout__, sys.__stdin__):  # the console draws on the first
        try:
            if stream is not None:
                width, height = os.get_terminal_size(stream.fileno())
                columns, rows = size_without_terminal(os.environ if environ is None else environ)
                return width or columns, height or rows
        except (OSError, ValueError):
            continue
    return None


def size_without_terminal(environ: Mapping[str, str]) -> tuple[int, int]:
    """Columns and rows by COLUMNS and LINES, each as usual where it says nothing."""
    columns, rows = (environ.get(name, "") for name in ("COLUMNS", "LINES"))
    sizes = [int(text) if re.fullmatch(r"0*[1-9]\d{0,3}", text) else 0 for text in (columns, rows)]
    return sizes[0] or _USUAL[0], sizes[1] or _USUAL[1]


def cannot_draw(environ: Mapping[str, str]) -> str | None:
    """The reason why nothing can be placed on a terminal of this TERM; None where it can."""
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return f"TERM is {term or 'not set'}"
    try:
        import curses  # not every Python has it

        curses.setupterm(term, 1)
        moves = curses.tigetstr("cup")
    except ImportError:
        return None
    except curses.error:
        return (
            None
            if re.match(_ANSI, term, re.IGNORECASE)
            else f'this machine has no description of the terminal "{term}" (TERM)'
        )
    if moves is None or not moves.startswith(b"\x1b["):
        return f'a terminal "{term}" (TERM) has no ANSI sequence that places its cursor'
    return None


def theme_of(options: ConsoleSettings, environ: Mapping[str, str]) -> str:
    """The theme by name; NO_COLOR means mono."""
    return "mono" if environ.get("NO_COLOR") else options.theme


def ascii_only(options: ConsoleSettings, environ: Mapping[str, str]) -> bool:
    """True if everything is drawn in ASCII."""
    return options.ascii == "always" or (options.ascii == "auto" and not is_utf8(environ))


def _decoded(data: bytes, coding: str) -> str:
    try:
        return data.decode(coding, "replace")
    except (LookupError, UnicodeError):  # no such coding, or none of texts
        return data.decode("ascii", "replace")


def colours_of(environ: Mapping[str, str]) -> str | None:
    """truecolor, 256 or standard, as COLORTERM and TERM say; None for a terminal without."""
    term = environ.get("TERM", "").lower()
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    if term in ("", "dumb", "unknown"):
        return None
    return "256" if "256color" in term else "truecolor" if "direct" in term else "standard"


def findings(
    size: tuple[int, int] | None,
    options: ConsoleSettings,
    environ: Mapping[str, str],
    colours: str | None,
    passthrough: str | None = None,
) -> list[Finding]:
    """Findings about a terminal. `size` None: there is none; `passthrough`: see `tmux_passthrough`."""
    results = [_size(size, environ)]
    theme = theme_of(options, environ)
    if size is None:
        pass  # nothing is drawn
    elif theme == "mono":
        why = "NO_COLOR is set" if environ.get("NO_COLOR") else "the theme is mono"
        results.append(Finding.ok("colours", f"none are used: {why}"))
    else:
        count = _COLOURS.get(colours or "", "unknown")
        few = count == "16" and theme != "ansi"
        remedy = 'set theme = "ansi" under [console] in the settings, or TERM'
        text = f"{count}, theme {theme}"
        results.append(Finding.warn("colours", text, remedy) if few else Finding.ok("colours", text))
    if ascii_only(options, environ):
        remedy = "set LANG to a UTF-8 locale such as C.UTF-8, and the terminal to UTF-8"
        drawn = "drawn in ASCII only"
        by_settings = options.ascii == "always"
        results.append(
            Finding.ok("characters", f"{drawn}, as the settings ask")
            if by_settings
            else Finding.warn("characters", drawn, remedy)
        )
    else:
        results.append(Finding.ok("characters", "UTF-8"))
    if environ.get("TMUX"):
        results.append(_tmux(passthrough))
    return results


def _size(size: tuple[int, int] | None, environ: Mapping[str, str]) -> Finding:
    term = environ.get("TERM") or "not set"
    if size is None:
        return Finding.ok("terminal", "none here: the console needs one, commands do not")
    if term in ("dumb", "unknown", "not set"):
        remedy = "set TERM to what the terminal is; the commands work without"
        return Finding.warn("terminal", f"TERM is {term}", remedy)
    width, height = size
    text = f"{width} x {height}, TERM {term}"
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return Finding.warn("terminal", text, f"make it {MIN_WIDTH} x {MIN_HEIGHT} or larger")
    if width < FULL_WIDTH or height < FULL_HEIGHT:
        return Finding.ok(
            "terminal", text, f"from {FULL_WIDTH} x {FULL_HEIGHT} on nothing is folded or left out"
        )
    return Finding.ok("terminal", text)


def _tmux(passthrough: str | None) -> Finding:
    if passthrough in ("on", "all"):
        return Finding.ok("tmux", "in use; hands copies on (OSC 52)")
    if passthrough == "off":
        text = "in use; keeps what is copied (OSC 52) to itself: allow-passthrough is off"
        return Finding.warn("tmux", text, _HAND_ON)
    text = "in use; whether it hands copies on (OSC 52) cannot be told"
    return Finding.ok("tmux", text, f"if copying does not work: {_HAND_ON}")


def tmux_passthrough(environ: Mapping[str, str]) -> str | None:
    """tmux's option allow-passthrough here: on, all or off; None outside tmux, or when it does not say.

    A tmux before 3.3 has no such option and always hands on. Blocks for a moment.
    """
    if not environ.get("TMUX"):
        return None
    try:
        tmux = subprocess.run(
            ["tmux", "show-options", "-Apv", "allow-passthrough"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TMUX_S,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    if tmux.returncode != 0:
        return "on" if "option" in tmux.stderr else None
    return tmux.stdout.strip() or None
