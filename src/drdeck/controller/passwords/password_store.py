"""Passwords: from a command, the environment or a person; kept in memory only."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from drdeck.config.settings import password_variable
from drdeck.model.passwords import PROTECTED, Login, Password, PasswordWanted, wrong_with
from drdeck.sites.contract import LoginRefused

from . import password_command

REFUSED_REST_S = 300.0
"""A password that a vCenter refused is not sent again for so long: it would lock the user out there."""
COMMAND_REST_S = 60.0
"""A command that gave no good password is left alone for so long."""
WORKED_RETRY_S = (10.0, 30.0, 60.0)
"""A password that has worked is tried again after so long each: a vCenter says InvalidLogin too while SSO, AD
or LDAP is away. A person is asked beside."""


class UnusablePassword(ValueError):
    """It cannot be sent to a vCenter; the text says why and nothing of what it is."""


class _RefusalPause(NamedTuple):
    until: float
    why: str


class PasswordStore:
    """The passwords of one site: of its own vCenter and of the protected one; a `sites.site.PasswordSource`.

    Any thread may call. `on_change` is called, in whichever thread it was, after `open_logins` changed.
    """

    def __init__(
        self,
        site: str,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site, self._clock = site, clock
        self._environ = os.environ if environ is None else environ
        self._lock = threading.Lock()
        self._passwords: dict[str, Password] = {}
        self._handed_out: dict[str, Password] = {}
        """what was handed out last"""
        self._refused: dict[str, tuple[Password, float]] = {}
        self._worked: dict[str, Password] = {}
        """what was taken last"""
        self._again: dict[str, tuple[Password, int]] = {}
        """what has worked and was refused since, and how often"""
        self._rest: dict[str, _RefusalPause] = {}
        self._open_logins: dict[str, PasswordWanted] = {}
        self._numbers = 0
        self.ever_asked = False
        """whether a site ever wanted one"""
        self.on_change: Callable[[], None] = lambda: None

    def give(self, password: str, of: str = "") -> None:
        """A person typed it; it is tried at once. Raises UnusablePassword."""
        wrong = wrong_with(password)
        if wrong is not None:
            raise UnusablePassword(f"this password cannot be used: {wrong}")
        with self._lock:
            self._passwords[of] = Password(password)
            self._rest.pop(of, None)
            self._again.pop(of, None)

    def get(self, login: Login) -> Password:
        """The password for a login. Blocks while its command runs. Raises LoginRefused with what to do."""
        self.ever_asked = True
        try:
            password = self._find(login)
        except LoginRefused as error:
            self._want(login, str(error), anew=False)
            raise
        with self._lock:
            self._handed_out[login.of] = password
        return password

    def refused(self, login: Login, why: str) -> float | None:
        """The vCenter did not take what `get` handed out last. Seconds until it is tried again, where it has
        worked before."""
        with self._lock:
            now, password = self._clock(), self._handed_out.pop(login.of, None)
            retry_s = self._retry_s(login.of, password)
            if password is not None:
                if retry_s is None:
                    self._refused[login.of] = (password, now)
                if self._passwords.get(login.of) == password:
                    del self._passwords[login.of]
            rest = COMMAND_REST_S if login.command else REFUSED_REST_S
            self._rest[login.of] = _RefusalPause(now + (rest if retry_s is None else retry_s), why)
        self._want(login, why, anew=password is not None)
        return retry_s

    def _retry_s(self, of: str, password: Password | None) -> float | None:
        """Count a refusal of a password that has worked; seconds until it is tried again, None: it is not."""
        _, times = self._again.pop(of, (None, 0))
        if password is None or password != self._worked.get(of) or times >= len(WORKED_RETRY_S):
            return None
        self._again[of] = password, times + 1
        return WORKED_RETRY_S[times]

    def accepted(self, login: Login) -> None:
        """The vCenter took it."""
        with self._lock:
            self._refused.pop(login.of, None)
            self._rest.pop(login.of, None)
            again = self._again.pop(login.of, None)
            if login.of in self._handed_out:
                self._worked[login.of] = self._handed_out[login.of]
            if again is not None and not login.command:
                # it was typed, perhaps, and forgotten when it was refused
                self._passwords[login.of] = again[0]
            wanting = self._open_logins.pop(login.of, None)
        if wanting is not None:
            self.on_change()

    def open_logins(self) -> tuple[PasswordWanted, ...]:
        """The logins that wait for a person."""
        with self._lock:
            return tuple(self._open_logins[of] for of in sorted(self._open_logins))

    def _find(self, login: Login) -> Password:
        of, variable = login.of, password_variable(f"{self._site}_{login.of}" if login.of else self._site)
        with self._lock:
            if of in self._passwords:
                return self._passwords[of]
            rest = self._rest.get(of)
            again = self._again.get(of)
        if rest is not None and self._clock() < rest.until:
            resting = LoginRefused(rest.why)
            resting.retry_s = rest.until - self._clock() if again is not None else None
            raise resting
        if again is not None and not login.command:  # a command may know another one by now
            return again[0]
        if login.command:
            try:
                password = password_command.run(login.command, self._environ)
            except password_command.CommandFailed as error:
                raise self._resting(of, str(error)) from None
            source = f'the password_command "{login.command[0]}"'
        else:
            password, source = Password(self._environ.get(variable, "")), variable
            if not password:
                whose = f"{self._site}{' (the protected site)' if of == PROTECTED else ''}"
                raise LoginRefused(
                    f"the password of {whose} is not known: type it at a console,"
                    f" set {variable}, or set password_command in the settings"
                )
        wrong = wrong_with(password)
        if wrong is not None:
            raise self._resting(of, f"the password from {source} cannot be used: {wrong}")
        with self._lock:
            before = self._refused.get(of)
        if before is not None and before[0] == password and self._clock() - before[1] < REFUSED_REST_S:
            raise self._resting(of, rest.why if rest is not None else f"{source} gives a refused password")
        return password

    def _resting(self, of: str, why: str) -> LoginRefused:
        with self._lock:
            self._rest[of] = _RefusalPause(self._clock() + COMMAND_REST_S, why)
        return LoginRefused(why)

    def _want(self, login: Login, why: str, anew: bool) -> None:
        with self._lock:
            before = self._open_logins.get(login.of)
            if before is not None and before.why == why and not anew:
                return
            if before is None or anew:
                self._numbers += 1
            number = self._numbers if before is None or anew else before.number
            self._open_logins[login.of] = PasswordWanted(
                of=login.of, user=login.user, address=login.address, why=why, number=number
            )
        self.on_change()

    def __repr__(self) -> str:
        return f"Passwords({self._site!r})"
