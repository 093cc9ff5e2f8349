"""The terminal console: screens over a controller, by keyboard, at 80x24."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

from drdeck.coach.coach import Coach
from drdeck.controller.client import Client
from drdeck.settings import ConsoleSettings

__all__ = ["run"]


def run(attach: Callable[[], Awaitable[Client]], options: ConsoleSettings, coach: Coach | None = None) -> int:
    """Show the console until the operator leaves; returns the exit code.

    `attach` gives a connected client, starting a controller when needed; it is called again
    whenever the controller is gone. With a `coach` its panel stands below every screen.
    """
    from .app import DrdeckApp

    app = DrdeckApp(attach, options, coach=coach)
    app.run(mouse=options.mouse)
    if app.final_error is not None:
        print(f"drdeck: {app.final_error}", file=sys.stderr)
    return app.return_code or 0
