"""Sites as a console knows them: the mark of its own in the top line, and the others to go to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class SiteMark(NamedTuple):
    """A label and a colour, so that the dangerous place is the loud one.

    `label` stands in place of the site's name; `colour`: one of the colours of the settings, or empty.
    """

    label: str = ""
    colour: str = ""

    @property
    def style(self) -> str:
        """The name of the drawn style; empty: that of the line."""
        return f"site-{self.colour}" if self.colour else ""


UNMARKED = SiteMark()


class OtherSite(NamedTuple):
    """A site of the settings; `closed` is why its console cannot be opened from here."""

    name: str
    says: str
    closed: str | None = None


Sites = Callable[[], Sequence[OtherSite]]
