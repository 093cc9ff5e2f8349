"""A password that a test knows, for sites that ask for one."""

from __future__ import annotations

from drdeck.model.passwords import Login, Password


class OnePassword:
    """Gives the same password for every login, and keeps what became of it."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.outcomes: list[tuple[str, str]] = []

    def get(self, login: Login) -> Password:
        return Password(self.password)

    def refused(self, login: Login, why: str) -> float | None:
        self.outcomes.append((login.of, why))
        return None

    def accepted(self, login: Login) -> None:
        self.outcomes.append((login.of, ""))
