"""Passwords: what one is, and the words about one that is wanted; never what it says."""

from .frozen import Frozen
from .text import not_in_xml

OWN, PROTECTED = "", "protected"
"""Whose password: of the site's own vCenter, or of the protected site's."""


class Password(str):
    """A password that no repr shows, so that none stands in a traceback, a log or a debugger's list."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Password(...)"

    @property
    def text(self) -> str:
        """As a plain string, for the one call that needs it."""
        return str.__str__(self)


def wrong_with(text: str) -> str | None:
    """The reason why a password cannot be sent to a vCenter, not repeating it; None when it can."""
    if not text:
        return "it is empty"
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        return (
            "it has a control character in it, which no request to a vCenter can hold: type it again without"
            " arrow or control keys, or set another one at the vCenter"
        )
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return "it is not UTF-8"
    if not_in_xml(text) is not None:
        return "it has a character that no request to a vCenter can hold; set another one at the vCenter"
    return None


class Login(Frozen, frozen=True, kw_only=True):
    """A login at a vCenter. `of`: OWN or PROTECTED; `command`: prints the password, if anything does."""

    of: str = OWN
    user: str = ""
    address: str = ""
    command: tuple[str, ...] = ()


class PasswordWanted(Frozen, frozen=True, kw_only=True):
    """A login that waits for a password. `number` grows with every refusal, so that each is asked once."""

    of: str = OWN
    user: str = ""
    address: str = ""
    why: str = ""
    number: int = 0
