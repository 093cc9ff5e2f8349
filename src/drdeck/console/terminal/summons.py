"""The bytes by which a terminal is told that somebody is needed: the bell, or a notice of the desktop."""

from __future__ import annotations

from drdeck.model.text import clean, in_ascii

from .clipboard import through_tmux

MOST = 200
"""Characters of a notice at most."""


def summons(text: str, by: str, tmux: bool) -> str:
    """The bytes of one notice; `by` is a word of `tell_by`, and "none" gives none.

    OSC 9 is iTerm2's, and known to Windows Terminal, WezTerm and kitty; OSC 777 is rxvt's, and known to
    foot and VTE. The bell always goes with them: it is what tmux marks a window by.
    """
    if by == "none":
        return ""
    words = clean(text).replace(";", ",")[:MOST]
    if in_ascii.get():
        words = words.encode("ascii", "replace").decode()
    written = {"osc9": f"\x1b]9;{words}\x07", "osc777": f"\x1b]777;notify;drdeck;{words}\x07"}.get(by, "")
    return (through_tmux(written) if tmux and written else written) + "\x07"
