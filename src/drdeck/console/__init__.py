"""The terminal console: screens over a controller, by keyboard, at 80x24, and folded down to 60x16.

Only this folder imports Textual. Begin with `app`, which owns the newest state; its parts see it
through the protocols of `ports`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from drdeck import light_imports
from drdeck.config.settings import ConsoleSettings
from drdeck.controller.ipc.client import Client
from drdeck.controller.process.logs import USUAL_LEVEL, log_to
from drdeck.model.text import clean
from drdeck.private_files import make_private
from drdeck.terminal_info import size_without_terminal, terminal_size

if TYPE_CHECKING:
    from drdeck.coach.coach import Coach
    from drdeck.console.dialogs.choose_lesson import Lessons
    from drdeck.console.site_mark import Sites

__all__ = ["Left", "run"]

FRAMES_PER_S = 240
"""A key waits for the next frame: with Textual's usual 60 that is most of the time in which it is answered.
News are drawn twice a second all the same."""


class Left(NamedTuple):
    """The exit code with which the operator left, and the lesson or the site that was chosen."""

    code: int
    lesson: str | None = None
    site: str | None = None


def run(
    attach: Callable[[], Awaitable[Client]],
    options: ConsoleSettings,
    coach: Coach | None = None,
    add_site: Callable[[dict[str, Any]], Awaitable[str]] | None = None,
    read_only: bool = False,
    fresh: bool = False,
    log_file: Path | None = None,
    log_level: str = USUAL_LEVEL,
    lessons: Lessons | None = None,
    sites: Sites | None = None,
    mark: tuple[str, str] = ("", ""),
    as_typed: Callable[[str], str] = str,
) -> Left:
    """Show the console until the operator leaves, perhaps for a lesson or another site.

    `attach` gives a connected client, starting a controller when needed; it is called again
    whenever the controller is gone. With a `coach` its panel stands below every screen.
    `add_site` tests a new site (name, url, username, root, ca_file, thumbprint, insecure, password)
    and writes it into the settings; it returns what was done or raises ControllerError. `read_only`
    refuses every act from this console, whatever its controller allows. `fresh`: there are no
    settings yet, which is said above the list of the training site. `log_file`: where it writes what
    went wrong in it, from `log_level` on. `lessons`: what there is to begin,
    `sites`: the others to go to. `mark`: label and colour of the site in the top line. `as_typed`: a text
    with its commands as they must be typed to reach this site.
    """
    if log_file is not None:
        with contextlib.suppress(OSError):  # a full disk is no reason not to show the site
            make_private(log_file.parent)
            log_to(log_file, log_level)
    gc.disable()  # until all is imported (`app.LATER`), which stays: no list waits while it is looked through
    os.environ.setdefault("TEXTUAL_FPS", str(FRAMES_PER_S))  # read when Textual is imported, which is now
    with light_imports.stand_in():
        from . import format
        from .app import DrdeckApp
    from .site_mark import SiteMark

    app = DrdeckApp(
        attach,
        options,
        coach=coach,
        add_site=add_site,
        read_only=read_only,
        fresh=fresh and coach is None,
        lessons=lessons,
        sites=sites,
        mark=SiteMark(*mark),
    )
    format.as_typed.set(as_typed)
    app.run(mouse=options.mouse)
    if app.final_error is not None:
        more = f"; {log_file} says more" if app.mistaken and log_file is not None else ""
        _say(as_typed(f"{app.final_error}{more}"))
    elif coach is None and app.lesson is None and app.next_site is None and not app.return_code:
        _say(as_typed(app.state.closing_line()))
    return Left(app.return_code or 0, app.lesson, app.next_site)


def _say(text: str) -> None:
    """The last word of a console, in lines of the terminal's width."""
    width = (terminal_size() or size_without_terminal(os.environ))[0]
    lines = textwrap.wrap(
        f"drdeck: {clean(text)}", max(20, width - 2), break_long_words=False, break_on_hyphens=False
    )  # a command that is named can be copied out of it
    print("\n  ".join(lines), file=sys.stderr)
