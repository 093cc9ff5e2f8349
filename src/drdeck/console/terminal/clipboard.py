"""Copying over the line: OSC 52, which the terminal at the other end turns into its clipboard."""

from __future__ import annotations

import base64

CAP = 8192
"""Bytes of what is written at most: terminals drop longer ones, and thin lines suffer from them."""


def sequence(text: str, tmux: bool) -> tuple[str, str]:
    """The bytes that copy `text`, and as much of it as they hold.

    Inside tmux it is wrapped so that tmux hands it on (its option allow-passthrough must be on).
    """
    room = (CAP - 64) // 4 * 3
    copied = text.encode("utf-8")[:room].decode("utf-8", "ignore")
    coded = base64.b64encode(copied.encode("utf-8")).decode("ascii")
    written = f"\x1b]52;c;{coded}\x07"
    return through_tmux(written) if tmux else written, copied


def through_tmux(written: str) -> str:
    """A sequence in the wrapping in which tmux hands it on to the terminal."""
    doubled = written.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
