"""A server's certificate, as far as a person needs it to recognise the server."""

from __future__ import annotations

from datetime import datetime

from .frozen import Frozen
from .text import some


class Certificate(Frozen, frozen=True, kw_only=True):
    """A server's certificate, as it was presented.

    `thumbprint`: SHA-256 as AB:CD:...; the rest is empty or None where it could not be read.
    """

    thumbprint: str
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    """the hosts and addresses that it is for"""
    since: datetime | None = None
    until: datetime | None = None

    def says(self) -> str:
        """Subject, issuer, names and end: a phrase each, with commas."""
        words = [f'of "{self.subject}"' if self.subject else "of nobody named"]
        if self.issuer:
            words.append("self-signed" if self.issuer == self.subject else f'signed by "{self.issuer}"')
        if self.names:
            words.append(f"for {some(self.names, between=' and ')}")
        if self.until is not None:
            words.append(f"valid until {self.until:%Y-%m-%d}")
        return ", ".join(words)
