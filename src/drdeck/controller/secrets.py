"""Passwords: from a command, the environment or a person; kept in memory only."""

from __future__ import annotations

import os
import subprocess

from drdeck.settings import password_variable
from drdeck.sites.site import LoginRefused

COMMAND_TIMEOUT_S = 30


class Passwords:
    """The passwords of one site: of its own vCenter ("") and of the protected one ("protected")."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._given: dict[str, str] = {}

    def give(self, password: str, of: str = "") -> None:
        self._given[of] = password

    def forget(self, of: str = "") -> None:
        """Drop what was typed: the site refused it."""
        self._given.pop(of, None)

    def get(self, command: tuple[str, ...], of: str = "") -> str:
        """The password for a vCenter of this site. Blocks while `command` runs, at most 30 s.

        Raises LoginRefused with what to do when there is none.
        """
        if of in self._given:
            return self._given[of]
        if command:
            return _run(command)
        variable = password_variable(f"{self._site}_{of}" if of else self._site)
        value = os.environ.get(variable)
        if value:
            return value
        raise LoginRefused(
            f"the password of {self._site}{' ' + of if of else ''} is not known: type it at a console,"
            f" set {variable}, or set password_command in the settings"
        )

    def __repr__(self) -> str:
        return f"Passwords({self._site!r})"


def _run(command: tuple[str, ...]) -> str:
    """First line of what a command prints; no shell."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise LoginRefused(f'the password_command "{command[0]}" was not found') from None
    except subprocess.TimeoutExpired:
        raise LoginRefused(
            f'the password_command "{command[0]}" did not end within {COMMAND_TIMEOUT_S} s'
        ) from None
    except OSError as error:
        raise LoginRefused(f'the password_command "{command[0]}" cannot be run: {error.strerror}') from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise LoginRefused(
            f'the password_command "{command[0]}" ended with {done.returncode}'
            + (f": {said[-1]}" if said else "")
        )
    password = done.stdout.decode("utf-8", "replace").split("\n", 1)[0].rstrip("\r")
    if not password:
        raise LoginRefused(f'the password_command "{command[0]}" printed nothing')
    return password
